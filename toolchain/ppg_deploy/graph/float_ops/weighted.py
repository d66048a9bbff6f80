"""Convolutions and dense layers in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Conv2D, DepthwiseConv2D, Operator
from ppg_deploy.graph.patches import patches

Floats = NDArray[np.float32]


def convolution(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Conv2D)
    source, weights = operands[0], operands[1]
    out_channels, kernel_h, kernel_w, depth = weights.shape
    windows = patches(source, (kernel_h, kernel_w), operator.stride, operator.dilation, operator.padding, 0.0)
    groups = source.shape[3] // depth
    per_group = out_channels // groups
    parts = []
    for group in range(groups):
        columns = windows[:, :, :, group * depth : (group + 1) * depth]
        filters = weights[group * per_group : (group + 1) * per_group].transpose(3, 1, 2, 0)
        parts.append(columns.reshape(*columns.shape[:3], -1) @ filters.reshape(-1, per_group))
    return _biased(np.concatenate(parts, axis=-1), operands)


def depthwise(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, DepthwiseConv2D)
    source, weights = operands[0], operands[1]
    windows = patches(source, weights.shape[1:3], operator.stride, operator.dilation, operator.padding, 0.0)
    filters = weights[0].reshape(*weights.shape[1:3], source.shape[3], operator.depth_multiplier)
    result = np.einsum("nhwcij,ijcm->nhwcm", windows, filters, optimize=True)
    return _biased(result.reshape(*result.shape[:3], -1), operands)


def dense(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    source, weights = operands[0], operands[1]
    return _biased(source.reshape(len(source), -1) @ weights.T, operands)


def _biased(result: Floats, operands: list[Floats]) -> Floats:
    return result + operands[2] if len(operands) > 2 else result
