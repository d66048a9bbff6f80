"""Graph -> steps: padding spelt out, reshapes gone, PAD merged into the convolution behind it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile import sequence_lowering, tensor_lowering
from ppg_deploy.compile.steps import (
    AddStep,
    AnyCodes,
    ConvolutionStep,
    CopyStep,
    DenseStep,
    DepthwiseStep,
    Image,
    MulStep,
    Operand,
    PadStep,
    Pooling,
    PoolStep,
    Step,
    Window,
)
from ppg_deploy.compile.tables import find_regions, lookup_step, softmax_step
from ppg_deploy.graph import Graph, Tensor
from ppg_deploy.graph.arithmetic import (
    activation_limits,
    add_multipliers,
    channel_multipliers,
    dense_multipliers,
    mul_multiplier,
)
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    BatchMatMul,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    L2Normalization,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Padding,
    Pool2D,
    Reshape,
    Softmax,
    SquaredDifference,
    StridedSlice,
    Sub,
    Sum,
    Transpose,
    UnidirectionalSequenceLstm,
)
from ppg_deploy.graph.shapes import multiply_accumulates, window_pads


@dataclass(frozen=True)
class Program:
    """Steps in execution order over named storage. `input` and `output` are the caller's buffers.

    A step may read or write a view, which is storage from some byte on: `views` holds (storage, first byte) by name.
    `operator_of` numbers, for each step, the operator that it is a piece of, or that it is. `assembled` are the bytes
    of storage that several steps write a part of each, `kept` those of storage that holds its contents between runs.
    """

    steps: tuple[Step, ...]
    input: str
    output: str
    views: Mapping[str, tuple[str, int]]
    operator_of: tuple[int, ...]
    assembled: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """The storage that a step's input lies in."""
        return self.views[name][0] if name in self.views else name

    def pieces_of(self, operator: int) -> list[int]:
        """Numbers of the steps that are pieces of an operator."""
        return [number for number, own in enumerate(self.operator_of) if own == operator]


def lower(graph: Graph) -> Program:
    """Steps of a graph that passed `check_compilable`."""
    context = Lowering(graph)
    steps = [context.step(number) for number in context.computed]
    output = context.storage(graph.outputs[0])
    if output == graph.inputs[0]:
        size = graph.output.byte_size
        name = graph.outputs[0]
        output = f"{output} copied"
        copy = CopyStep(
            operators=(), kind="COPY", name=name, inputs=graph.inputs, output=output, output_bytes=size
        )
        steps.append(copy)
    return Program(tuple(steps), graph.inputs[0], output, context.views, tuple(range(len(steps))))


class Lowering:
    """What the builders of steps ask: names of storage, tensors, limits."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        needed = _needed(graph)
        self._aliases = {
            operator.output: operator.inputs[0]
            for operator in graph.operators
            if isinstance(operator, Reshape)
        }
        self._slices = sequence_lowering.views(graph)
        self.views: dict[str, tuple[str, int]] = {}
        self._merged = {
            operator.output: number
            for number, operator in enumerate(graph.operators)
            if isinstance(operator, Pad) and number in needed and self._merges(operator)
        }
        self._regions = find_regions(graph, needed)
        tabulated = {number for region in self._regions.values() for number in region.operators[:-1]}
        self.computed = [
            number
            for number, operator in enumerate(graph.operators)
            if number in needed
            and not isinstance(operator, Reshape)
            and operator.output not in self._merged
            and operator.output not in self._slices
            and number not in tabulated
        ]

    def _merges(self, pad: Pad) -> bool:
        """A convolution writes padding itself when it is the only reader and pads nothing of its own."""
        consumers = self.graph.consumers(pad.output)
        return (
            len(consumers) == 1
            and isinstance(consumers[0], Conv2D | DepthwiseConv2D)
            and consumers[0].padding is Padding.VALID
            and pad.output not in self.graph.outputs
            and pad.pads[3] == (0, 0)
        )

    def storage(self, tensor: str) -> str:
        """The storage, or the view of storage, that holds a tensor."""
        first = 0
        while tensor in self._aliases or tensor in self._slices:
            if tensor in self._aliases:
                tensor = self._aliases[tensor]
            else:
                tensor, start = self._slices[tensor]
                first += start
        if first == 0:
            return tensor
        name = f"{tensor} from byte {first}"
        self.views[name] = (tensor, first)
        return name

    def step(self, number: int) -> Step:
        """The step of operator `number`."""
        region = self._regions.get(number)
        if region is not None:
            return lookup_step(self.graph, region, self.storage(region.root))
        operator = self.graph.operators[number]
        return _BUILDERS[type(operator)](self, number, operator)

    def tensor(self, name: str) -> Tensor:
        """A tensor of the graph."""
        return self.graph.tensors[name]

    def limits(self, operator: Operator) -> tuple[int, int]:
        """Lowest and highest output code."""
        activation = getattr(operator, "activation", Activation.NONE)
        return activation_limits(activation, self.tensor(operator.output))

    def merged_pad(self, operator: Operator) -> tuple[int, Pad] | None:
        """Number and operator of the PAD that a convolution takes over."""
        number = self._merged.get(operator.inputs[0])
        if number is None:
            return None
        pad = self.graph.operators[number]
        assert isinstance(pad, Pad)
        return number, pad

    def bias(self, operator: Operator, channels: int) -> NDArray[np.int64]:
        """Biases, zeros when there are none."""
        if len(operator.inputs) < 3 or not operator.inputs[2]:
            return np.zeros(channels, np.int64)
        return np.asarray(self.tensor(operator.inputs[2]).data).astype(np.int64).reshape(-1)

    def weights(self, operator: Operator) -> NDArray[np.int8]:
        """Codes of the weights."""
        return np.asarray(self.tensor(operator.inputs[1]).data).astype(np.int8)


def _needed(graph: Graph) -> set[int]:
    """Numbers of the operators that the output depends on."""
    wanted = set(graph.outputs)
    numbers = set()
    for number in reversed(range(len(graph.operators))):
        operator = graph.operators[number]
        if operator.output in wanted:
            numbers.add(number)
            wanted.update(operator.inputs)
    return numbers


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


def _convolution(context: Lowering, number: int, operator: Operator) -> Step:
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
        pad_number, pad = merged
        numbers = (pad_number, number)
        source_name = pad.inputs[0]
        before, after = ((pad.pads[1][side], pad.pads[2][side]) for side in (0, 1))
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


def _dense(context: Lowering, number: int, operator: Operator) -> Step:
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


def _operand(tensor: Tensor) -> Operand:
    shape = (1,) * (4 - len(tensor.shape)) + tensor.shape
    data: AnyCodes | None = None if tensor.data is None else tensor.data.astype(tensor.dtype.numpy)
    return Operand(shape, tensor.zero_point, data)


def _elementwise(context: Lowering, number: int, operator: Operator) -> Step:
    left, right = (context.tensor(name) for name in operator.inputs)
    output = context.tensor(operator.output)
    low, high = context.limits(operator)
    common: dict[str, Any] = {
        "operators": (number,),
        "kind": operator.kind,
        "name": operator.output,
        "inputs": tuple(context.storage(tensor.name) for tensor in (left, right) if not tensor.is_constant),
        "output": operator.output,
        "output_bytes": output.byte_size,
        "codes": output.dtype,
        "low": low,
        "high": high,
        "left": _operand(left),
        "right": _operand(right),
        "shape": _operand(output).shape,
        "output_zero": output.zero_point,
    }
    if isinstance(operator, Add):
        return AddStep(**common, factors=add_multipliers(left, right, output))
    return MulStep(**common, factor=mul_multiplier(left, right, output))


def _pool(context: Lowering, number: int, operator: Operator) -> Step:
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


def _pad(context: Lowering, number: int, operator: Operator) -> Step:
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


def _softmax(context: Lowering, number: int, operator: Operator) -> Step:
    return softmax_step(context.graph, number, operator, context.storage(operator.inputs[0]))


_BUILDERS: dict[type[Operator], Callable[[Lowering, int, Operator], Step]] = {
    Conv2D: _convolution,
    DepthwiseConv2D: _convolution,
    FullyConnected: _dense,
    Add: _elementwise,
    Mul: _elementwise,
    AveragePool2D: _pool,
    MaxPool2D: _pool,
    Pad: _pad,
    Transpose: tensor_lowering.transpose,
    Sub: tensor_lowering.difference,
    SquaredDifference: tensor_lowering.difference,
    Mean: tensor_lowering.reduction,
    Sum: tensor_lowering.reduction,
    BatchMatMul: tensor_lowering.batch_matmul,
    L2Normalization: tensor_lowering.l2_normalization,
    StridedSlice: sequence_lowering.strided_slice,
    Concatenation: sequence_lowering.concatenation,
    UnidirectionalSequenceLstm: sequence_lowering.lstm,
    Softmax: _softmax,
}
