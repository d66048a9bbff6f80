"""Slices and concatenations in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Concatenation, Operator, StridedSlice

Floats = NDArray[np.float32]


def strided_slice(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, StridedSlice)
    bounds = zip(operator.begin[1:], operator.end[1:], operator.strides[1:], strict=True)
    part = operands[0][:, *(slice(*bound) for bound in bounds)]
    return part.reshape(len(part), *graph.tensors[operator.output].shape[1:])


def concatenation(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Concatenation)
    count = max(len(operand) for operand in operands)
    # A constant has no batch of windows: it is repeated for each.
    repeated = [np.broadcast_to(operand, (count, *operand.shape[1:])) for operand in operands]
    return np.concatenate(repeated, axis=operator.axis)
