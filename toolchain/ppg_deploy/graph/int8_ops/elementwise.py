"""ADD and MUL in int8."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    ADD_LEFT_SHIFT,
    add_multipliers,
    mul_multiplier,
    multiply_by_quantized_multiplier,
)
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int8_ops.clamp import clamped
from ppg_deploy.graph.operators import Add, Mul, Operator
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int8]
Operands = list[NDArray[np.generic]]
Wide = NDArray[np.int64]


def add(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    assert isinstance(operator, Add)
    first, second = (graph.tensors[name] for name in operator.inputs)
    output = graph.tensors[operator.output]
    of_first, of_second, of_output = add_multipliers(first, second, output)
    total = _scaled_addend(operands[0], first, of_first) + _scaled_addend(operands[1], second, of_second)
    scaled = multiply_by_quantized_multiplier(total, *of_output)
    return clamped(scaled + output.zero_point, operator.activation, output)


def _scaled_addend(codes: NDArray[np.generic], tensor: Tensor, multiplier: tuple[int, int]) -> Wide:
    shifted = (codes.astype(np.int64) - tensor.zero_point) << ADD_LEFT_SHIFT
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
