"""SUB and SQUARED_DIFFERENCE in int8."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    ADD_LEFT_SHIFT,
    SQUARED_DIFFERENCE_LEFT_SHIFT,
    multiply_by_quantized_multiplier,
    squared_difference_multipliers,
    sub_multipliers,
)
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Activation, Operator, SquaredDifference, Sub
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]
Wide = NDArray[np.int64]


def sub(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Sub)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    of_first, of_second, of_output = sub_multipliers(first, second, output)
    difference = _scaled(operands[0], first, of_first, ADD_LEFT_SHIFT) - _scaled(
        operands[1], second, of_second, ADD_LEFT_SHIFT
    )
    scaled = multiply_by_quantized_multiplier(difference, *of_output)
    return clamped(scaled + output.zero_point, operator.activation, output)


def squared_difference(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, SquaredDifference)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    of_first, of_second, of_output = squared_difference_multipliers(first, second, output)
    difference = _scaled(operands[0], first, of_first, SQUARED_DIFFERENCE_LEFT_SHIFT) - _scaled(
        operands[1], second, of_second, SQUARED_DIFFERENCE_LEFT_SHIFT
    )
    scaled = multiply_by_quantized_multiplier(difference * difference, *of_output)
    return clamped(scaled + output.zero_point, Activation.NONE, output)


def _scaled(codes: NDArray[np.generic], tensor: Tensor, multiplier: tuple[int, int], left_shift: int) -> Wide:
    shifted = (codes.astype(np.int64) - tensor.zero_point) << left_shift
    return multiply_by_quantized_multiplier(shifted, *multiplier)
