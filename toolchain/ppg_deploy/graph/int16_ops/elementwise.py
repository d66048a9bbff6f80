"""ADD and MUL in int16: the formulas of int8, but ADD shifts its operands left by 15 instead of 20."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    ADD_LEFT_SHIFT_INT16,
    add_multipliers,
    mul_multiplier,
    multiply_by_quantized_multiplier,
)
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int16_ops.clamp import clamped
from ppg_deploy.graph.operators import Add, Mul, Operator

Codes = NDArray[np.int16]
Operands = list[NDArray[np.generic]]
Wide = NDArray[np.int64]


def add(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Add)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    of_first, of_second, of_output = add_multipliers(first, second, output)
    total = _scaled_addend(operands[0], of_first) + _scaled_addend(operands[1], of_second)
    return clamped(multiply_by_quantized_multiplier(total, *of_output), operator.activation, output)


def _scaled_addend(codes: NDArray[np.generic], multiplier: tuple[int, int]) -> Wide:
    return multiply_by_quantized_multiplier(codes.astype(np.int64) << ADD_LEFT_SHIFT_INT16, *multiplier)


def mul(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Mul)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    product = operands[0].astype(np.int64) * operands[1].astype(np.int64)
    scaled = multiply_by_quantized_multiplier(product, *mul_multiplier(first, second, output))
    return clamped(scaled, operator.activation, output)
