"""Pools of codes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import code_limits
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator, Pool2D
from ppg_deploy.graph.patches import patches

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]


def average_pool(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Pool2D)
    windows = patches(
        operands[0].astype(np.float64), operator.filter, operator.stride, (1, 1), operator.padding, np.nan
    )
    sums = np.nansum(windows, axis=(-2, -1)).astype(np.int64)
    counts = np.sum(~np.isnan(windows), axis=(-2, -1), dtype=np.int64)
    half = counts // 2
    means = np.where(sums > 0, (sums + half) // counts, -((-sums + half) // counts))
    return clamped(means, operator.activation, graph.tensors[operator.output])


def max_pool(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Pool2D)
    output = graph.tensors[operator.output]
    codes = operands[0].astype(np.int64)
    lowest, _ = code_limits(output)
    windows = patches(codes, operator.filter, operator.stride, (1, 1), operator.padding, lowest)
    return clamped(windows.max(axis=(-2, -1)), operator.activation, output)
