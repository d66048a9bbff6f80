"""Operators that move int16 codes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator, Pad

Codes = NDArray[np.int16]
Operands = list[NDArray[np.generic]]


def pad(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Pad)
    return np.pad(operands[0].astype(np.int16), ((0, 0), *operator.pads[1:]))


def reshape(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    shape = graph.tensors[operator.output].shape[1:]
    return operands[0].astype(np.int16).reshape(len(operands[0]), *shape)
