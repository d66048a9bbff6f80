"""Convolutions and dense layers: int16 activations, int8 weights, int64 biases and sums."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import channel_multipliers, dense_multipliers
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int16_ops.clamp import clamped
from ppg_deploy.graph.int16_ops.requantize import multiply_wide
from ppg_deploy.graph.operators import Activation, Conv2D, DepthwiseConv2D, FullyConnected, Operator
from ppg_deploy.graph.patches import patches
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int16]
Operands = list[NDArray[np.generic]]
# float64 holds sums of up to 2**31 products of int16 and int8 exactly; its matrix product is far faster than int64's.
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
    return clamped(multiply_wide(wide, multipliers), activation, output)


def convolution(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Conv2D)
    source = graph.tensors[operator.inputs[0]]
    weights = graph.tensors[operator.inputs[1]]
    output = graph.tensors[operator.output]
    out_channels, kernel_h, kernel_w, depth = weights.shape
    windows = patches(
        operands[0].astype(np.float64),
        (kernel_h, kernel_w),
        operator.stride,
        operator.dilation,
        operator.padding,
        0.0,
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
    windows = patches(
        operands[0].astype(np.float64), kernel, operator.stride, operator.dilation, operator.padding, 0.0
    )
    filters = operands[1][0].reshape(*kernel, source.shape[3], operator.depth_multiplier).astype(np.float64)
    sums = np.einsum("nhwcij,ijcm->nhwcm", windows, filters, optimize=True)
    multipliers = channel_multipliers(source, weights, output)
    return _requantized(sums.reshape(*sums.shape[:3], -1), operands, multipliers, operator.activation, output)


def dense(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, FullyConnected)
    source = graph.tensors[operator.inputs[0]]
    weights = graph.tensors[operator.inputs[1]]
    output = graph.tensors[operator.output]
    values = operands[0].reshape(len(operands[0]), -1).astype(np.float64)
    sums = values @ operands[1].T.astype(np.float64)
    return _requantized(
        sums, operands, dense_multipliers(source, weights, output), operator.activation, output
    )
