"""Exponential, logistic function and hyperbolic tangent in 32-bit fixed point, bit for bit as gemmlowp rounds them.

A number with `b` integer bits is an int32 `raw` that stands for raw * 2**(b - 31); here raws are int64 arrays that
hold int32 values. Source: gemmlowp's fixedpoint/fixedpoint.h, whose rounding every TFLM kernel inherits.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_mul,
)

Raw = NDArray[np.int64]

INT32_MAX = (1 << 31) - 1
# 1 with 0 integer bits saturates.
ONE = INT32_MAX
_QUARTER_BITS = 2
_NEWTON_STEPS = 3


def constant(value: float, integer_bits: int = 0) -> int:
    """The raw of a real constant, rounded to nearest."""
    return min(math.floor(value * 2.0 ** (31 - integer_bits) + 0.5), INT32_MAX)


def shifted_left(raw: Raw, bits: int) -> Raw:
    """raw * 2**bits, saturated."""
    return np.asarray(np.clip(raw << bits, -INT32_MAX - 1, INT32_MAX), np.int64)


def exp_on_negative_values(raw: Raw, integer_bits: int) -> Raw:
    """exp of numbers <= 0 with `integer_bits` (at most 5), as raws with 0 integer bits.

    The last quarter is a Taylor polynomial around -1/8; whole quarters, halves, ones and so on are factors.
    """
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - _QUARTER_BITS)
    rest = (raw & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(rest << integer_bits)
    quarters = rest - raw
    for exponent in range(-_QUARTER_BITS, integer_bits):
        factor = constant(math.exp(-(2.0**exponent)))
        multiplied = saturating_rounding_doubling_high_mul(result, factor)
        result = np.where(quarters & (1 << (fraction_bits + exponent)), multiplied, result)
    return np.where(raw == 0, ONE, result)


def _exp_on_last_quarter(raw: Raw) -> Raw:
    """exp of [-1/4, 0), both with 0 integer bits."""
    multiply = saturating_rounding_doubling_high_mul
    around = constant(math.exp(-1 / 8))
    x = raw + (1 << 28)
    squared = multiply(x, x)
    cubed = multiply(squared, x)
    fourth = rounding_divide_by_power_of_two(multiply(squared, squared), 2)
    tail = multiply(fourth + cubed, constant(1 / 3)) + squared
    return around + multiply(x + rounding_divide_by_power_of_two(tail, 1), around)


def _reciprocal_of_half_sum(raw: Raw) -> Raw:
    """2 / (1 + x) of x in [0, 1] with 0 integer bits, as raws with 2 integer bits: Newton's method."""
    multiply = saturating_rounding_doubling_high_mul
    # The halved sum rounds half up; it is never negative.
    half = (raw + ONE + 1) >> 1
    x = constant(48 / 17, 2) + multiply(half, constant(-32 / 17, 2))
    for _ in range(_NEWTON_STEPS):
        error = (1 << 29) - multiply(half, x)
        x = x + shifted_left(multiply(x, error), 2)
    return x


def one_over_one_plus_x(raw: Raw) -> Raw:
    """1 / (1 + x) of x in [0, 1], both with 0 integer bits."""
    return shifted_left(_reciprocal_of_half_sum(raw), 1)


def _one_minus_x_over_one_plus_x(raw: Raw) -> Raw:
    """(1 - x) / (1 + x) of x in [0, 1], both with 0 integer bits."""
    return shifted_left(_reciprocal_of_half_sum(raw) - (1 << 29), 2)


def logistic(raw: Raw, integer_bits: int) -> Raw:
    """1 / (1 + exp(-x)), as raws with 0 integer bits."""
    of_magnitude = one_over_one_plus_x(exp_on_negative_values(-np.abs(raw), integer_bits))
    signed = np.where(raw > 0, of_magnitude, ONE - of_magnitude)
    return np.where(raw == 0, 1 << 30, signed)


def tanh(raw: Raw, integer_bits: int) -> Raw:
    """Hyperbolic tangent, as raws with 0 integer bits."""
    # exp(-2 |x|): the same raws with one integer bit more stand for twice the number.
    of_magnitude = _one_minus_x_over_one_plus_x(exp_on_negative_values(-np.abs(raw), integer_bits + 1))
    return np.where(raw == 0, 0, np.where(raw < 0, -of_magnitude, of_magnitude))


def input_radius(integer_bits: int, left_shift: int) -> int:
    """Largest difference from the zero point that still fits after scaling. Source: CalculateInputRadius."""
    return math.floor(((1 << integer_bits) - 1) * 2.0 ** (31 - integer_bits - left_shift))
