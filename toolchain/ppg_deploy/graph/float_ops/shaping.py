"""Operators that move values, in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator, Pad

Floats = NDArray[np.float32]


def pad(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Pad)
    return np.pad(operands[0], ((0, 0), *operator.pads[1:]))


def reshape(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    return operands[0].reshape(len(operands[0]), *graph.tensors[operator.output].shape[1:])
