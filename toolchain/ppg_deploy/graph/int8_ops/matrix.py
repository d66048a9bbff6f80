"""BATCH_MATMUL and TRANSPOSE in int8."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier, product_multiplier
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Activation, BatchMatMul, Operator, Transpose

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]


def batch_matmul(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, BatchMatMul)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    # float64 holds every sum of int8 products exactly.
    left = operands[0].astype(np.float64) - first.zero_point
    right = operands[1].astype(np.float64) - second.zero_point
    if operator.adjoint_first:
        left = left.swapaxes(-1, -2)
    if operator.adjoint_second:
        right = right.swapaxes(-1, -2)
    sums = (left @ right).astype(np.int64)
    scaled = multiply_by_quantized_multiplier(sums, *product_multiplier(first, second, output))
    return clamped(scaled + output.zero_point, Activation.NONE, output)


def transpose(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Transpose)
    return np.ascontiguousarray(operands[0].astype(np.int8).transpose(operator.permutation))
