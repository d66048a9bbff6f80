"""From 64-bit accumulators to int16, as TFLM does it: a multiplier of 16 bits and one rounding.

Source: the int64 overload of MultiplyByQuantizedMultiplier in tensorflow/lite/kernels/internal/common.cc.
"""

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.int64]
# Multipliers from here on would round up to 2**15, which 16 bits cannot hold.
_LARGEST_ROUNDED = 0x7FFF0000
# The accumulators and left shifts for which TFLM promises that nothing overflows.
LARGEST_ACCUMULATOR = (1 << 47) - 1
LARGEST_LEFT_SHIFT = 7


def reduced_multiplier(multiplier: int) -> int:
    """The 31-bit multiplier, rounded to 15 bits."""
    return (multiplier + (1 << 15)) >> 16 if multiplier < _LARGEST_ROUNDED else 0x7FFF


def multiply_wide(value: Wide, factors: list[tuple[int, int]]) -> Wide:
    """value * multiplier * 2**(shift - 31), rounded half up and cut to 32 bits.

    Args:
        value: int64 (..., channels), |value| <= LARGEST_ACCUMULATOR.
        factors: (multiplier, shift) of every channel, or one for all; shift <= LARGEST_LEFT_SHIFT.
    """
    reduced = np.array([reduced_multiplier(multiplier) for multiplier, _ in factors], np.int64)
    right = np.array([15 - shift for _, shift in factors], np.int64)
    rounded = (value * reduced + (np.int64(1) << (right - 1))) >> right
    return rounded.astype(np.int32).astype(np.int64)
