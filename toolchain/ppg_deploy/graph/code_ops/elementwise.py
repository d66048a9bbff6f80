"""ADD and MUL of codes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    add_left_shift,
    add_multipliers,
    mul_multiplier,
    multiply_by_quantized_multiplier,
)
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Add, Mul, Operator
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]
Wide = NDArray[np.int64]


def add(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Add)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    of_first, of_second, of_output = add_multipliers(first, second, output)
    left_shift = add_left_shift(output)
    total = _scaled_addend(operands[0], first, left_shift, of_first) + _scaled_addend(
        operands[1], second, left_shift, of_second
    )
    scaled = multiply_by_quantized_multiplier(total, *of_output)
    return clamped(scaled + output.zero_point, operator.activation, output)


def _scaled_addend(
    codes: NDArray[np.generic], tensor: Tensor, left_shift: int, multiplier: tuple[int, int]
) -> Wide:
    shifted = (codes.astype(np.int64) - tensor.zero_point) << left_shift
    return multiply_by_quantized_multiplier(shifted, *multiplier)


def mul(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Mul)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    product = (operands[0].astype(np.int64) - first.zero_point) * (
        operands[1].astype(np.int64) - second.zero_point
    )
    scaled = multiply_by_quantized_multiplier(product, *mul_multiplier(first, second, output))
    return clamped(scaled + output.zero_point, operator.activation, output)
