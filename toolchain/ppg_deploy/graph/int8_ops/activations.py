"""Functions of one number, and softmax, in int8."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import fixed_point
from ppg_deploy.graph.arithmetic import (
    INT8_MAX,
    INT8_MIN,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Gelu, LeakyRelu, Operator, Softmax
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int8]
Operands = list[NDArray[np.generic]]
Wide = NDArray[np.int64]

# Integer bits of the fixed-point argument of LOGISTIC and TANH, and of SOFTMAX's differences and sums.
_ARGUMENT_BITS = 4
_DIFFERENCE_BITS = 5
SOFTMAX_SUM_BITS = 12
_SIX = 6.0


def _saturated(values: Wide) -> Codes:
    return np.clip(values, INT8_MIN, INT8_MAX).astype(np.int8)


def _input_and_output(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor]:
    return graph.tensors[operator.inputs[0]], graph.tensors[operator.output]


def _centred(graph: Graph, operator: Operator, operands: Operands) -> Wide:
    return operands[0].astype(np.int64) - graph.tensors[operator.inputs[0]].zero_point


def relu(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """RELU. Source: tensorflow/lite/micro/kernels/activations_common.cc."""
    source, output = _input_and_output(graph, operator)
    factor = quantize_multiplier(source.scale / output.scale)
    scaled = multiply_by_quantized_multiplier(_centred(graph, operator, operands), *factor)
    return _saturated(np.maximum(scaled, 0) + output.zero_point)


def relu6(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """RELU6: a clamp in the input's codes, whose parameters the output shares."""
    source = graph.tensors[operator.inputs[0]]
    six = source.zero_point + math.floor(float(np.float32(_SIX) / np.float32(source.scale)) + 0.5)
    return np.clip(operands[0].astype(np.int64), source.zero_point, min(six, INT8_MAX)).astype(np.int8)


def leaky_relu(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """LEAKY_RELU: one factor on each side of zero, both computed in single precision.

    Source: tensorflow/lite/micro/kernels/leaky_relu_common.cc.
    """
    assert isinstance(operator, LeakyRelu)
    source, output = _input_and_output(graph, operator)
    centred = _centred(graph, operator, operands)
    of_positive, of_negative = (
        multiply_by_quantized_multiplier(centred, *factor)
        for factor in leaky_factors(operator, source, output)
    )
    return _saturated(np.where(centred >= 0, of_positive, of_negative) + output.zero_point)


def leaky_factors(
    operator: LeakyRelu, source: Tensor, output: Tensor
) -> tuple[tuple[int, int], tuple[int, int]]:
    """(multiplier, shift) of the positive and of the negative side."""
    of_source, of_output = np.float32(source.scale), np.float32(output.scale)
    identity, sloped = of_source / of_output, of_source * np.float32(operator.alpha) / of_output
    return quantize_multiplier(float(identity)), quantize_multiplier(float(sloped))


def elu(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """ELU: TFLM's table, which is computed in single precision.

    Source: tensorflow/lite/micro/kernels/elu.cc. Its expf is taken as correctly rounded.
    """
    source, output = _input_and_output(graph, operator)
    real = np.float32(source.scale) * _centred(graph, operator, operands).astype(np.float32)
    exponential = np.exp(np.minimum(real, 0).astype(np.float64)).astype(np.float32)
    curved = np.where(real < 0, exponential - np.float32(1), real)
    rescaled = curved * (np.float32(1) / np.float32(output.scale))
    return _saturated(_rounded_half_away(rescaled) + output.zero_point)


def _rounded_half_away(values: NDArray[np.floating]) -> Wide:
    wide = values.astype(np.float64)
    return (np.sign(wide) * np.floor(np.abs(wide) + 0.5)).astype(np.int64)


def gelu(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """GELU by definition of this project, as TFLM has no kernel.

    round(gelu(scale_in * (code - zero_in)) / scale_out) + zero_out in double precision, half away from zero.
    """
    assert isinstance(operator, Gelu)
    source, output = _input_and_output(graph, operator)
    codes = np.arange(INT8_MIN, INT8_MAX + 1)
    real = source.scale * (codes - source.zero_point)
    curved = np.array([_gelu(float(x), approximate=operator.approximate) for x in real])
    table = _saturated(_rounded_half_away(curved / output.scale) + output.zero_point)
    return table[operands[0].astype(np.int64) - INT8_MIN]


def _gelu(x: float, *, approximate: bool) -> float:
    if approximate:
        return 0.5 * x * (1.0 + math.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0)))


def logistic(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """LOGISTIC. Source: reference/integer_ops/logistic.h."""
    return _saturating_curve(graph, operator, operands, fixed_point.logistic, output_bits=8)


def tanh(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """TANH. Source: reference/integer_ops/tanh.h."""
    return _saturating_curve(graph, operator, operands, fixed_point.tanh, output_bits=7)


def _saturating_curve(
    graph: Graph,
    operator: Operator,
    operands: Operands,
    curve: Callable[[Wide, int], Wide],
    output_bits: int,
) -> Codes:
    """Codes of a curve that is constant beyond +-16, given in steps of 2**-output_bits."""
    centred = _centred(graph, operator, operands)
    multiplier, shift = curve_factor(graph.tensors[operator.inputs[0]])
    radius = fixed_point.input_radius(_ARGUMENT_BITS, shift)
    argument = multiply_by_quantized_multiplier(np.clip(centred, -radius, radius), multiplier, shift)
    steps = rounding_divide_by_power_of_two(curve(argument, _ARGUMENT_BITS), 31 - output_bits)
    inner = _saturated(steps + graph.tensors[operator.output].zero_point)
    ends = np.where(centred <= -radius, INT8_MIN, INT8_MAX).astype(np.int8)
    return np.where(np.abs(centred) >= radius, ends, inner)


def curve_factor(source: Tensor) -> tuple[int, int]:
    """(multiplier, shift) from codes to the fixed-point argument of LOGISTIC and TANH."""
    return quantize_multiplier(source.scale * 2.0 ** (31 - _ARGUMENT_BITS))


def hard_swish(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """HARD_SWISH in 16-bit arithmetic. Source: reference/hard_swish.h."""
    (of_output, output_shift), (of_gate, gate_shift) = hard_swish_factors(*_input_and_output(graph, operator))
    fine = _centred(graph, operator, operands) << 7
    scaled = _high_mul_16(fine, of_output)
    # The gate min(max(x / 3 + 1, 0), 2) in 16 bits: saturation is its clamp.
    gate = _saturated_16(fine << max(gate_shift - 1, 0))
    gate = _high_mul_16(gate, of_gate)
    gate = _saturated_16(gate << 1) if gate_shift > 0 else gate
    gate = rounding_divide_by_power_of_two(gate, max(-gate_shift, 0))
    gate = (gate + (1 << 15)) >> 1
    exact = gate * scaled
    # Truncated, not rounded: C's division.
    product = np.where(exact < 0, -(-exact >> 15), exact >> 15)
    rounded = rounding_divide_by_power_of_two(product, -output_shift)
    return _saturated(rounded + graph.tensors[operator.output].zero_point)


def hard_swish_factors(source: Tensor, output: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """16-bit (multiplier, shift) of the output and of the gate, from single-precision quotients.

    Source: tensorflow/lite/micro/kernels/hard_swish_common.cc.
    """
    fine = np.float32(1 / 128) * np.float32(source.scale)
    quotients = (fine / np.float32(output.scale), fine / np.float32(3 / 32768))
    of_output, of_gate = (quantize_multiplier(float(quotient)) for quotient in quotients)
    return (_upper_half(of_output[0]), of_output[1]), (_upper_half(of_gate[0]), of_gate[1])


def _upper_half(multiplier: int) -> int:
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def _saturated_16(values: Wide) -> Wide:
    return np.clip(values, -(1 << 15), (1 << 15) - 1)


def _high_mul_16(values: Wide, multiplier: int) -> Wide:
    return _saturated_16((values * multiplier + (1 << 14)) >> 15)


def softmax(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """SOFTMAX along the last axis. Source: reference/softmax.h."""
    assert isinstance(operator, Softmax)
    exponentials = softmax_exponentials(graph.tensors[operator.inputs[0]].scale, operator.beta)
    codes = operands[0].astype(np.int64)
    below = codes.max(axis=-1, keepdims=True) - codes
    counted = below < len(exponentials)
    of_each = exponentials[np.minimum(below, len(exponentials) - 1)]
    addends = rounding_divide_by_power_of_two(of_each, SOFTMAX_SUM_BITS)
    total = np.where(counted, addends, 0).sum(axis=-1, keepdims=True)
    # The sum as a number in [1, 2) times a power of two.
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    reciprocal = fixed_point.one_over_one_plus_x((total << (32 - bits)) - (1 << 31))
    product = saturating_rounding_doubling_high_mul(reciprocal, of_each)
    shift = bits - (32 - SOFTMAX_SUM_BITS) + 31 - 8
    shares = rounding_divide_by_power_of_two(product, shift)
    return np.where(counted, _saturated(shares + INT8_MIN), np.int8(INT8_MIN))


def softmax_exponentials(scale: float, beta: float) -> Wide:
    """exp of each difference from a row's largest code, 0 first, with 0 integer bits; further ones count as 0."""
    real = min(beta * scale * 2.0 ** (31 - _DIFFERENCE_BITS), 2.0**31 - 1)
    multiplier, shift = quantize_multiplier(real)
    radius = fixed_point.input_radius(_DIFFERENCE_BITS, shift)
    differences = -np.arange(min(radius, INT8_MAX - INT8_MIN) + 1, dtype=np.int64)
    scaled = multiply_by_quantized_multiplier(differences, multiplier, shift)
    return fixed_point.exp_on_negative_values(scaled, _DIFFERENCE_BITS)
