"""Elementwise operators in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator

Floats = NDArray[np.float32]


def add(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """ADD without its activation."""
    return operands[0] + operands[1]


def mul(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """MUL without its activation."""
    return operands[0] * operands[1]
