"""Pools in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator, Pool2D
from ppg_deploy.graph.patches import patches

Floats = NDArray[np.float32]


def average_pool(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Pool2D)
    windows = patches(operands[0], operator.filter, operator.stride, (1, 1), operator.padding, np.nan)
    return np.asarray(np.nanmean(windows, axis=(-2, -1)), np.float32)


def max_pool(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Pool2D)
    windows = patches(operands[0], operator.filter, operator.stride, (1, 1), operator.padding, -np.inf)
    return np.asarray(windows.max(axis=(-2, -1)), np.float32)
