"""Operators that move int8 codes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator, Pad

Codes = NDArray[np.int8]
Operands = list[NDArray[np.generic]]


def pad(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Pad)
    zero_point = graph.tensors[operator.output].zero_point
    return np.pad(operands[0].astype(np.int8), ((0, 0), *operator.pads[1:]), constant_values=zero_point)


def reshape(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    shape = graph.tensors[operator.output].shape
    # Windows lie along the first axis, which stands in for a batch of 1.
    rest = shape[1:] if shape[:1] == (1,) else shape
    return operands[0].astype(np.int8).reshape(len(operands[0]), *rest)
