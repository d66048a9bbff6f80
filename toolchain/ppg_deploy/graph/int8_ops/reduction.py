"""MEAN and SUM in int8."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier, reduction_multiplier
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Activation, Operator, Reduction

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]


def reduce(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """The int32 sum is exact; one requantisation divides it.

    TFLM has a kernel of its own for means over height and width; it computes the same.
    """
    assert isinstance(operator, Reduction)
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.output]
    centred = operands[0].astype(np.int64) - source.zero_point
    sums = centred.sum(axis=operator.axes, keepdims=operator.keep_dims)
    scaled = multiply_by_quantized_multiplier(sums, *reduction_multiplier(source, operator, output))
    return clamped(scaled + output.zero_point, Activation.NONE, output)
