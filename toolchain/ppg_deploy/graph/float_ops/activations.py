"""Functions of one number, and softmax, in float32."""

import math

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Gelu, LeakyRelu, Operator, Softmax

Floats = NDArray[np.float32]

# erf is tabulated over [0, 6]; beyond it is 1 in single precision.
_ERF_STEPS_PER_UNIT = 128
_ERF_END = 6
_ERF_POSITIONS = np.arange(_ERF_END * _ERF_STEPS_PER_UNIT + 2) / _ERF_STEPS_PER_UNIT
_ERF_VALUES = np.array([math.erf(x) for x in _ERF_POSITIONS])
_ERF_SLOPES = 2.0 / math.sqrt(math.pi) * np.exp(-np.square(_ERF_POSITIONS)) / _ERF_STEPS_PER_UNIT


def relu(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """RELU."""
    return np.maximum(operands[0], np.float32(0))


def relu6(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """RELU6."""
    return np.clip(operands[0], np.float32(0), np.float32(6))


def leaky_relu(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """LEAKY_RELU."""
    assert isinstance(operator, LeakyRelu)
    return np.where(operands[0] >= 0, operands[0], operands[0] * np.float32(operator.alpha))


def elu(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """ELU."""
    return np.where(operands[0] >= 0, operands[0], np.expm1(np.minimum(operands[0], 0)))


def hard_swish(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """HARD_SWISH."""
    gate = np.clip(operands[0] + np.float32(3), 0, 6)
    return np.asarray(operands[0] * gate / np.float32(6), np.float32)


def logistic(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """LOGISTIC, in a form that does not overflow."""
    half = np.float32(0.5)
    return np.asarray(half + half * np.tanh(half * operands[0]), np.float32)


def tanh(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """TANH."""
    return np.tanh(operands[0])


def gelu(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """GELU."""
    assert isinstance(operator, Gelu)
    x = operands[0].astype(np.float64)
    if operator.approximate:
        inner = np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x))
    else:
        inner = error_function(x * math.sqrt(0.5))
    return (0.5 * x * (1.0 + inner)).astype(np.float32)


def error_function(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """erf by cubic Hermite interpolation of math.erf, within 1e-10 (numpy has none)."""
    scaled = np.minimum(np.abs(x), _ERF_END) * _ERF_STEPS_PER_UNIT
    left = scaled.astype(np.intp)
    t = scaled - left
    rise = _ERF_VALUES[left + 1] - _ERF_VALUES[left]
    from_left, from_right = _ERF_SLOPES[left] - rise, rise - _ERF_SLOPES[left + 1]
    curve = _ERF_VALUES[left] + t * rise + t * (1.0 - t) * (from_left * (1.0 - t) + from_right * t)
    return np.asarray(np.copysign(curve, x), np.float64)


def softmax(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    """SOFTMAX along the last axis."""
    assert isinstance(operator, Softmax)
    scaled = np.float32(operator.beta) * operands[0]
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)
