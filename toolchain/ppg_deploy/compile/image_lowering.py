"""Graph operators on images -> steps: convolutions, dense layers, pools and PAD, with their padding as numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ppg_deploy.compile.steps import (
    ConvolutionStep,
    DenseStep,
    DepthwiseStep,
    Image,
    PadStep,
    Pooling,
    PoolStep,
    Step,
    Window,
)
from ppg_deploy.graph import Tensor
from ppg_deploy.graph.arithmetic import channel_multipliers, dense_multipliers
from ppg_deploy.graph.operators import AveragePool2D, Conv2D, DepthwiseConv2D, Operator, Pad, Pool2D
from ppg_deploy.graph.shapes import multiply_accumulates, window_pads

if TYPE_CHECKING:
    from ppg_deploy.compile.lower import Lowering


def _image(tensor: Tensor) -> Image:
    return Image(*tensor.shape[1:])


def _per_channel(factors: list[tuple[int, int]], channels: int) -> tuple[tuple[int, int], ...]:
    return tuple(factors) if len(factors) == channels else tuple(factors) * channels


def _window(operator: Conv2D | DepthwiseConv2D | Pool2D, kernel: tuple[int, int], source: Image) -> Window:
    dilation = (1, 1) if isinstance(operator, Pool2D) else operator.dilation
    rows, columns = (
        window_pads(size, kernel[axis], operator.stride[axis], dilation[axis], operator.padding)
        for axis, size in enumerate((source.rows, source.columns))
    )
    return Window(kernel, operator.stride, dilation, (rows[0], columns[0]), (rows[1], columns[1]))


def convolution(context: "Lowering", number: int, operator: Operator) -> Step:
    """CONV_2D and DEPTHWISE_CONV_2D, with the PAD in front of them."""
    assert isinstance(operator, Conv2D | DepthwiseConv2D)
    padded, output = context.tensor(operator.inputs[0]), context.tensor(operator.output)
    weights = context.weights(operator)
    depthwise = isinstance(operator, DepthwiseConv2D)
    if depthwise:
        weights = weights.transpose(3, 1, 2, 0)
    channels, kernel_rows, kernel_columns, depth = weights.shape
    numbers: tuple[int, ...] = (number,)
    source_name = operator.inputs[0]
    window = _window(operator, (kernel_rows, kernel_columns), _image(padded))
    merged = context.merged_pad(operator)
    if merged is not None:
        pad_number, padding = merged
        numbers = (pad_number, number)
        source_name = padding.inputs[0]
        before, after = ((padding.pads[1][side], padding.pads[2][side]) for side in (0, 1))
        window = Window(window.kernel, window.stride, window.dilation, before, after)
    low, high = context.limits(operator)
    common: dict[str, Any] = {
        "operators": numbers,
        "kind": operator.kind,
        "name": operator.output,
        "inputs": (context.storage(source_name),),
        "output": operator.output,
        "output_bytes": output.byte_size,
        "macs": multiply_accumulates(context.graph, operator),
        "codes": output.dtype,
        "low": low,
        "high": high,
        "weights": np.ascontiguousarray(weights),
        "bias": context.bias(operator, channels),
        "multipliers": _per_channel(
            channel_multipliers(padded, context.tensor(operator.inputs[1]), output), channels
        ),
        "input_zero": padded.zero_point,
        "output_zero": output.zero_point,
        "source": _image(context.tensor(source_name)),
        "target": _image(output),
        "window": window,
    }
    if isinstance(operator, DepthwiseConv2D):
        return DepthwiseStep(**common, depth_multiplier=operator.depth_multiplier)
    return ConvolutionStep(**common, groups=padded.shape[3] // depth)


def dense(context: "Lowering", number: int, operator: Operator) -> Step:
    """FULLY_CONNECTED; over several positions, a convolution."""
    source, output = context.tensor(operator.inputs[0]), context.tensor(operator.output)
    weights = context.weights(operator)
    channels, depth = weights.shape
    positions = source.size // depth
    low, high = context.limits(operator)
    common: dict[str, Any] = {
        "operators": (number,),
        "kind": operator.kind,
        "name": operator.output,
        "inputs": (context.storage(operator.inputs[0]),),
        "output": operator.output,
        "output_bytes": output.byte_size,
        "macs": multiply_accumulates(context.graph, operator),
        "codes": output.dtype,
        "low": low,
        "high": high,
        "weights": weights.reshape(channels, 1, 1, depth),
        "bias": context.bias(operator, channels),
        "multipliers": _per_channel(
            dense_multipliers(source, context.tensor(operator.inputs[1]), output), channels
        ),
        "input_zero": source.zero_point,
        "output_zero": output.zero_point,
    }
    if positions == 1:
        return DenseStep(**common)
    window = Window((1, 1), (1, 1), (1, 1), (0, 0), (0, 0))
    return ConvolutionStep(
        **common,
        source=Image(1, positions, depth),
        target=Image(1, positions, channels),
        window=window,
        groups=1,
    )


def pool(context: "Lowering", number: int, operator: Operator) -> Step:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    assert isinstance(operator, Pool2D)
    source = _image(context.tensor(operator.inputs[0]))
    output = context.tensor(operator.output)
    low, high = context.limits(operator)
    return PoolStep(
        operators=(number,),
        kind=operator.kind,
        name=operator.output,
        inputs=(context.storage(operator.inputs[0]),),
        output=operator.output,
        output_bytes=output.byte_size,
        codes=output.dtype,
        low=low,
        high=high,
        pooling=Pooling.AVERAGE if isinstance(operator, AveragePool2D) else Pooling.MAX,
        source=source,
        target=_image(output),
        window=_window(operator, operator.filter, source),
    )


def pad(context: "Lowering", number: int, operator: Operator) -> Step:
    """A PAD that no convolution takes over."""
    assert isinstance(operator, Pad)
    output = context.tensor(operator.output)
    source = context.tensor(operator.inputs[0])
    # A signal of shape (1, length, channels) has one row.
    missing = 4 - len(source.shape)
    return PadStep(
        operators=(number,),
        kind=operator.kind,
        name=operator.output,
        inputs=(context.storage(operator.inputs[0]),),
        output=operator.output,
        output_bytes=output.byte_size,
        codes=output.dtype,
        source=Image(*(1,) * missing, *source.shape[1:]),
        pads=((0, 0),) * missing + operator.pads[1:],
        value=output.zero_point,
    )
