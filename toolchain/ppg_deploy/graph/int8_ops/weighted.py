"""Convolutions and dense layers in int8: per-channel requantisation of int32 sums."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    channel_multipliers,
    dense_multipliers,
    multiply_by_quantized_multiplier,
)
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.code_ops.products import convolution_sums, dense_sums, depthwise_sums
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Activation, Conv2D, DepthwiseConv2D, FullyConnected, Operator
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]


def _requantized(
    accumulators: NDArray[np.float64],
    operands: Operands,
    multipliers: list[tuple[int, int]],
    activation: Activation,
    output: Tensor,
) -> Codes:
    wide = accumulators.astype(np.int64)
    if len(operands) > 2:
        wide = wide + operands[2].astype(np.int64)
    factors = np.array([multiplier for multiplier, _ in multipliers], np.int64)
    shifts = np.array([shift for _, shift in multipliers], np.int64)
    # TFLM's accumulators, and what a left shift makes of them, are 32-bit numbers that wrap on every machine we know.
    shifted = _wrapped(_wrapped(wide) << np.maximum(shifts, 0))
    scaled = multiply_by_quantized_multiplier(shifted, factors, np.minimum(shifts, 0))
    return clamped(scaled + output.zero_point, activation, output)


def _wrapped(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return values.astype(np.int32).astype(np.int64)


def convolution(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Conv2D)
    source, weights, output = _tensors(graph, operator)
    sums = convolution_sums(operator, source, operands)
    multipliers = channel_multipliers(source, weights, output)
    return _requantized(sums, operands, multipliers, operator.activation, output)


def depthwise(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, DepthwiseConv2D)
    source, weights, output = _tensors(graph, operator)
    sums = depthwise_sums(operator, source, operands)
    multipliers = channel_multipliers(source, weights, output)
    return _requantized(sums, operands, multipliers, operator.activation, output)


def dense(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, FullyConnected)
    source, weights, output = _tensors(graph, operator)
    multipliers = dense_multipliers(source, weights, output)
    return _requantized(dense_sums(source, operands), operands, multipliers, operator.activation, output)


def _tensors(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
    """Input, weights and output."""
    return (
        graph.tensors[operator.inputs[0]],
        graph.tensors[operator.inputs[1]],
        graph.tensors[operator.output],
    )
