"""What normalisation layers are made of, in float32: differences, means, roots."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import L2Normalization, Operator, Reduction

Floats = NDArray[np.float32]
# TensorFlow Lite divides by the root of no less than this.
_SMALLEST_SQUARE_SUM = 1e-12


def sub(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """SUB without its activation."""
    return operands[0] - operands[1]


def squared_difference(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    return np.asarray(np.square(operands[0] - operands[1]), np.float32)


def mean(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Reduction)
    return np.asarray(operands[0].mean(axis=operator.axes, keepdims=operator.keep_dims), np.float32)


def total(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Reduction)
    return np.asarray(operands[0].sum(axis=operator.axes, keepdims=operator.keep_dims), np.float32)


def rsqrt(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    return np.asarray(1.0 / np.sqrt(operands[0]), np.float32)


def l2_normalization(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, L2Normalization)
    squares = np.square(operands[0]).sum(axis=-1, keepdims=True) + np.float32(operator.epsilon)
    return np.asarray(operands[0] / np.sqrt(np.maximum(squares, _SMALLEST_SQUARE_SUM)), np.float32)
