"""Sums of products of centred codes with int8 weights, before bias and requantisation.

float64 holds sums of up to 2**31 products of int16 and int8 exactly, and its matrix product is far faster than int64's.
"""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.operators import Conv2D, DepthwiseConv2D
from ppg_deploy.graph.patches import patches
from ppg_deploy.graph.tensor import Tensor

Operands = list[NDArray[np.generic]]
Exact = NDArray[np.float64]


def convolution_sums(operator: Conv2D, source: Tensor, operands: Operands) -> Exact:
    """(N, rows, columns, output channels)."""
    out_channels, kernel_h, kernel_w, depth = operands[1].shape
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
    return np.concatenate(parts, -1)


def depthwise_sums(operator: DepthwiseConv2D, source: Tensor, operands: Operands) -> Exact:
    """(N, rows, columns, output channels)."""
    kernel = (operands[1].shape[1], operands[1].shape[2])
    centred = operands[0].astype(np.float64) - source.zero_point
    windows = patches(centred, kernel, operator.stride, operator.dilation, operator.padding, 0.0)
    filters = operands[1][0].reshape(*kernel, source.shape[3], operator.depth_multiplier).astype(np.float64)
    sums = np.einsum("nhwcij,ijcm->nhwcm", windows, filters, optimize=True)
    return np.asarray(sums.reshape(*sums.shape[:3], -1), np.float64)


def dense_sums(source: Tensor, operands: Operands) -> Exact:
    """(N, outputs)."""
    centred = operands[0].reshape(len(operands[0]), -1).astype(np.float64) - source.zero_point
    return np.asarray(centred @ operands[1].T.astype(np.float64), np.float64)
