"""What each int8 operator means: TFLM's arithmetic in numpy, code by code, over a batch of windows.

Source of every formula: tensorflow/lite/micro/kernels and
tensorflow/lite/kernels/internal/reference/integer_ops; checked against the TFLM interpreter in the tests.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    ADD_LEFT_SHIFT,
    activation_limits,
    add_multipliers,
    channel_multipliers,
    dense_multipliers,
    mul_multiplier,
    multiply_by_quantized_multiplier,
)
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Pool2D,
    Reshape,
)
from ppg_deploy.graph.patches import patches
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int8]
Wide = NDArray[np.int64]
# float64 holds every sum of int8 products exactly, and its matrix product is far faster than int64's.
Exact = NDArray[np.float64]
_CHUNK = 32


def run_int8(graph: Graph, inputs: Codes) -> Iterator[Mapping[str, Codes]]:
    """All activations by tensor name, int8 (n, *shape without batch) each, chunk of windows by chunk.

    Args:
        graph: an int8 graph.
        inputs: int8 (N, *input shape without batch).
    """
    for start in range(0, len(inputs), _CHUNK):
        values: dict[str, Codes] = {graph.inputs[0]: inputs[start : start + _CHUNK]}
        for operator in graph.operators:
            values[operator.output] = run_int8_operator(graph, operator, values)
        yield values


def run_int8_output(graph: Graph, inputs: Codes) -> Codes:
    """The graph's output for every window, int8 (N, output elements)."""
    output = graph.outputs[0]
    return np.concatenate(
        [values[output].reshape(len(values[output]), -1) for values in run_int8(graph, inputs)]
    )


def run_int8_operator(graph: Graph, operator: Operator, values: Mapping[str, Codes]) -> Codes:
    """One operator's output for a batch, from the activations of its inputs."""
    operands = [
        values[name] if name in values else np.asarray(graph.tensors[name].data)
        for name in operator.inputs
        if name
    ]
    return _KERNELS[type(operator)](graph, operator, operands)


def _clamped(values: Wide, activation: Activation, output: Tensor) -> Codes:
    low, high = activation_limits(activation, output)
    return np.clip(values, low, high).astype(np.int8)


def _requantized(
    accumulators: Exact,
    operands: list[NDArray[np.generic]],
    multipliers: list[tuple[int, int]],
    activation: Activation,
    output: Tensor,
) -> Codes:
    wide = accumulators.astype(np.int64)
    if len(operands) > 2:
        wide = wide + operands[2].astype(np.int64)
    factors = np.array([multiplier for multiplier, _ in multipliers], np.int64)
    shifts = np.array([shift for _, shift in multipliers], np.int64)
    scaled = multiply_by_quantized_multiplier(wide, factors, shifts)
    return _clamped(scaled + output.zero_point, activation, output)


def _convolution(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, Conv2D)
    source = graph.tensors[operator.inputs[0]]
    weights = graph.tensors[operator.inputs[1]]
    output = graph.tensors[operator.output]
    out_channels, kernel_h, kernel_w, depth = weights.shape
    centred = operands[0].astype(np.float64) - source.zero_point
    windows = patches(
        centred, (kernel_h, kernel_w), operator.stride, operator.dilation, operator.padding, 0.0
    )
    groups = source.shape[3] // depth
    per_group = out_channels // groups
    parts = []
    for group in range(groups):
        columns = windows[:, :, :, group * depth : (group + 1) * depth]
        filters = operands[1][group * per_group : (group + 1) * per_group].transpose(3, 1, 2, 0)
        matrix = filters.reshape(-1, per_group).astype(np.float64)
        parts.append(columns.reshape(*columns.shape[:3], -1) @ matrix)
    multipliers = channel_multipliers(source, weights, output)
    return _requantized(np.concatenate(parts, -1), operands, multipliers, operator.activation, output)


def _depthwise(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, DepthwiseConv2D)
    source = graph.tensors[operator.inputs[0]]
    weights = graph.tensors[operator.inputs[1]]
    output = graph.tensors[operator.output]
    kernel = (weights.shape[1], weights.shape[2])
    centred = operands[0].astype(np.float64) - source.zero_point
    windows = patches(centred, kernel, operator.stride, operator.dilation, operator.padding, 0.0)
    filters = operands[1][0].reshape(*kernel, source.shape[3], operator.depth_multiplier).astype(np.float64)
    sums = np.einsum("nhwcij,ijcm->nhwcm", windows, filters, optimize=True)
    multipliers = channel_multipliers(source, weights, output)
    flat = sums.reshape(*sums.shape[:3], -1)
    return _requantized(flat, operands, multipliers, operator.activation, output)


def _dense(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, FullyConnected)
    source = graph.tensors[operator.inputs[0]]
    weights = graph.tensors[operator.inputs[1]]
    output = graph.tensors[operator.output]
    centred = operands[0].reshape(len(operands[0]), -1).astype(np.float64) - source.zero_point
    sums = centred @ operands[1].T.astype(np.float64)
    multipliers = dense_multipliers(source, weights, output)
    return _requantized(sums, operands, multipliers, operator.activation, output)


def _add(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, Add)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    of_first, of_second, of_output = add_multipliers(first, second, output)
    total = _scaled_addend(operands[0], first, of_first) + _scaled_addend(operands[1], second, of_second)
    scaled = multiply_by_quantized_multiplier(total, *of_output)
    return _clamped(scaled + output.zero_point, operator.activation, output)


def _scaled_addend(codes: NDArray[np.generic], tensor: Tensor, multiplier: tuple[int, int]) -> Wide:
    shifted = (codes.astype(np.int64) - tensor.zero_point) << ADD_LEFT_SHIFT
    return multiply_by_quantized_multiplier(shifted, *multiplier)


def _mul(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, Mul)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    product = (operands[0].astype(np.int64) - first.zero_point) * (
        operands[1].astype(np.int64) - second.zero_point
    )
    scaled = multiply_by_quantized_multiplier(product, *mul_multiplier(first, second, output))
    return _clamped(scaled + output.zero_point, operator.activation, output)


def _average_pool(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, Pool2D)
    windows = patches(
        operands[0].astype(np.float64), operator.filter, operator.stride, (1, 1), operator.padding, np.nan
    )
    sums = np.nansum(windows, axis=(-2, -1)).astype(np.int64)
    counts = np.sum(~np.isnan(windows), axis=(-2, -1), dtype=np.int64)
    half = counts // 2
    means = np.where(sums > 0, (sums + half) // counts, -((-sums + half) // counts))
    return _clamped(means, operator.activation, graph.tensors[operator.output])


def _max_pool(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, Pool2D)
    codes = operands[0].astype(np.int64)
    windows = patches(codes, operator.filter, operator.stride, (1, 1), operator.padding, -128)
    return _clamped(windows.max(axis=(-2, -1)), operator.activation, graph.tensors[operator.output])


def _pad(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    assert isinstance(operator, Pad)
    zero_point = graph.tensors[operator.output].zero_point
    return np.pad(operands[0].astype(np.int8), ((0, 0), *operator.pads[1:]), constant_values=zero_point)


def _reshape(graph: Graph, operator: Operator, operands: list[NDArray[np.generic]]) -> Codes:
    shape = graph.tensors[operator.output].shape[1:]
    return operands[0].astype(np.int8).reshape(len(operands[0]), *shape)


_KERNELS: dict[type[Operator], Callable[[Graph, Operator, list[NDArray[np.generic]]], Codes]] = {
    Conv2D: _convolution,
    DepthwiseConv2D: _depthwise,
    FullyConnected: _dense,
    Add: _add,
    Mul: _mul,
    AveragePool2D: _average_pool,
    MaxPool2D: _max_pool,
    Pad: _pad,
    Reshape: _reshape,
}
