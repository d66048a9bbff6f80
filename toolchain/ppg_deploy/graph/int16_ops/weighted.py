"""Convolutions and dense layers: int16 activations, int8 weights, int64 biases and sums."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import channel_multipliers, dense_multipliers
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.code_ops.products import convolution_sums, dense_sums, depthwise_sums
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int16_ops.requantize import multiply_wide
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
    return clamped(multiply_wide(wide, multipliers), activation, output)


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
