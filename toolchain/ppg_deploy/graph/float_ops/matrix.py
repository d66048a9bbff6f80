"""BATCH_MATMUL and TRANSPOSE in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import BatchMatMul, Operator, Transpose

Floats = NDArray[np.float32]


def batch_matmul(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, BatchMatMul)
    left = operands[0].swapaxes(-1, -2) if operator.adjoint_first else operands[0]
    right = operands[1].swapaxes(-1, -2) if operator.adjoint_second else operands[1]
    return left @ right


def transpose(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Transpose)
    return np.ascontiguousarray(operands[0].transpose(operator.permutation))
