"""Chooses how accumulators become int16 again, and proves that the narrow form is exact where it is chosen.

TFLM computes, for a 64-bit accumulator a, a multiplier m of 15 bits and a right shift t = 15 - shift,

    (a m + 2^(t-1)) >> t

The narrow form computes, for an accumulator of 32 bits and t >= 17,

    (high word of (a (m << 16)) + 2^(t-17)) >> (t - 16)

Both are equal: multiplying numerator and divisor by 2^16 makes the rounding term 2^(t-17) times 2^32, which leaves the
low word alone, and nested floors collapse.
"""

import numpy as np

from ppg_deploy.compile.requantize import Factor
from ppg_deploy.compile.steps import WeightedStep
from ppg_deploy.graph.int16_ops.requantize import multiply_wide, reduced_multiplier

_LOWEST_CODE, _HIGHEST_CODE = -(1 << 15), (1 << 15) - 1
_INT32_LOWEST, _INT32_HIGHEST = -(1 << 31), (1 << 31) - 1
# Of quantize_multiplier: a shift of -2 is t = 17.
_LARGEST_NARROW_SHIFT = -2


def factors16(step: WeightedStep) -> tuple[bool, tuple[Factor, ...]]:
    """(narrow form is proven for all channels, words of ppg_factor16_t)."""
    narrow = _narrow_factors(step)
    if narrow is not None:
        return True, narrow
    return False, tuple(
        Factor(reduced_multiplier(multiplier), 0, 15 - shift) for multiplier, shift in step.multipliers
    )


def accumulator_ranges(step: WeightedStep) -> list[tuple[int, int]]:
    """Lowest and highest accumulator of each channel over all int16 inputs; padding is one of them."""
    weights = step.weights.reshape(len(step.weights), -1).astype(np.int64)
    products = np.stack([weights * _LOWEST_CODE, weights * _HIGHEST_CODE])
    low = step.bias + products.min(axis=0).sum(axis=1)
    high = step.bias + products.max(axis=0).sum(axis=1)
    return [(int(first), int(last)) for first, last in zip(low, high, strict=True)]


def _narrow_factors(step: WeightedStep) -> tuple[Factor, ...] | None:
    factors = []
    for (multiplier, shift), (low, high) in zip(step.multipliers, accumulator_ranges(step), strict=True):
        constant = _constant_code(step, multiplier, shift, low, high)
        if constant is not None:
            # 0 times anything, plus twice the code, halved: no condition on the accumulator is left.
            factors.append(Factor(0, 2 * constant, 1))
        elif low >= _INT32_LOWEST and high <= _INT32_HIGHEST and shift <= _LARGEST_NARROW_SHIFT:
            right = -1 - shift
            factors.append(Factor(reduced_multiplier(multiplier) << 16, 1 << (right - 1), right))
        else:
            return None
    return tuple(factors)


def _constant_code(step: WeightedStep, multiplier: int, shift: int, low: int, high: int) -> int | None:
    """The only code that a channel can answer with, or None: training leaves such dead channels behind.

    Requantisation never decreases with the accumulator, so equal ends mean a constant, unless 32 bits wrap between.
    """
    largest = max(abs(low), abs(high)) * reduced_multiplier(multiplier)
    if largest >> (15 - shift) >= _INT32_HIGHEST:
        return None
    codes = multiply_wide(np.array([low, high], np.int64), [(multiplier, shift)])
    first, last = np.clip(codes, step.low, step.high)
    return int(first) if first == last else None


def wide_words(values: list[int]) -> list[int]:
    """Each value of 64 bits as two words, low one first."""
    words = np.array(values, "<i8").view("<i4")
    return [int(word) for word in words]
