"""Slices and concatenations of int8 codes; TFLM moves codes unchanged, so all scales are equal."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Concatenation, Operator, StridedSlice

Codes = NDArray[np.int8]
Operands = list[NDArray[np.generic]]


def strided_slice(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, StridedSlice)
    bounds = zip(operator.begin[1:], operator.end[1:], operator.strides[1:], strict=True)
    part = operands[0].astype(np.int8)[:, *(slice(*bound) for bound in bounds)]
    return part.reshape(len(part), *graph.tensors[operator.output].shape[1:])


def concatenation(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Concatenation)
    count = max(len(operand) for operand in operands)
    repeated = [np.broadcast_to(operand.astype(np.int8), (count, *operand.shape[1:])) for operand in operands]
    return np.concatenate(repeated, axis=operator.axis)
