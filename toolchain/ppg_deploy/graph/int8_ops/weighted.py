"""Convolutions and dense layers in int8: per-channel requantisation of int32 sums."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    channel_multipliers,
    dense_multipliers,
    multiply_by_quantized_multiplier,
)
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int8_ops.clamp import clamped
from ppg_deploy.graph.operators import Activation, Conv2D, DepthwiseConv2D, FullyConnected, Operator
from ppg_deploy.graph.patches import patches
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int8]
Operands = list[NDArray[np.generic]]
# float64 holds every sum of int8 products exactly, and its matrix product is far faster than int64's.
Exact = NDArray[np.float64]


def _requantized(
    accumulators: Exact,
    operands: Operands,
    multipliers: list[tuple[int, int]],
    activation: Activation,
    output: Tensor,
) -> Codes:
    wide = accumulators.astype(np.int64)
    if len(operands) > 2:
        wide = wide + operands[2].astype(np.int64)
    factors = np.array([multiplier for multiplier, _ in multipliers], np.int64)
    shifts = np.array([shift for _, shift in multipliers], np.int64)
    # TFLM's accumulators, and what a left shift makes of them, are 32-bit numbers that wrap on every machine we know.
    shifted = _wrapped(_wrapped(wide) << np.maximum(shifts, 0))
    scaled = multiply_by_quantized_multiplier(shifted, factors, np.minimum(shifts, 0))
    return clamped(scaled + output.zero_point, activation, output)


def _wrapped(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return values.astype(np.int32).astype(np.int64)


def convolution(graph: Graph, operator: Operator, operands: Operands) -> Codes:
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


def depthwise(graph: Graph, operator: Operator, operands: Operands) -> Codes:
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


def dense(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, FullyConnected)
    source = graph.tensors[operator.inputs[0]]
    weights = graph.tensors[operator.inputs[1]]
    output = graph.tensors[operator.output]
    centred = operands[0].reshape(len(operands[0]), -1).astype(np.float64) - source.zero_point
    sums = centred @ operands[1].T.astype(np.float64)
    multipliers = dense_multipliers(source, weights, output)
    return _requantized(sums, operands, multipliers, operator.activation, output)
