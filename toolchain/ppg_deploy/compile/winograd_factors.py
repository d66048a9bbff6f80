"""Finds and proves requantisation of the exact Winograd kernel, whose accumulators arrive times 24 * 2^s.

For an accumulator a the kernel computes, with one right shift R for all channels so that it is part of SSAT,

    saturate8((first + floor(24 2^s a M / 2^32) - (a < 0) * less) >> R)

TFLM (SRDHM, then RoundingDivideByPOT) answers with code c or more from the accumulator

    a >= ceil((X 2^31 - 2^30) / m)      X = k 2^e - 2^(e-1) + (k <= 0),  k = c - zero point

on, for a multiplier m and a right shift e >= 1: SRDHM is a floor, and RoundingDivideByPOT lowers negative numbers by
one before it shifts. Both functions never decrease, so they are equal for all reachable accumulators when they reach
each code at the same one. These at most 255 first accumulators are compared for each channel.

`less` stands for that lowering of negative numbers, 2^R / 2^e. A step whose codes all lie above the output's zero point
(ReLU) has no negative number to lower and takes the shorter form without it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import accumulator_ranges, constant_codes
from ppg_deploy.compile.steps import WeightedStep

Longs = NDArray[np.int64]

RIGHT = 11
"""R; PPG_WINOGRAD_RIGHT of ppg_winograd.h."""
SCALE = 24
"""What the transforms multiply accumulators with."""

_LARGEST_INT32 = (1 << 31) - 1
_NEIGHBOURS = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True)
class WinogradFactor:
    """Requantisation of a channel; its weights are multiplied by SCALE << shift in all."""

    shift: int
    multiplier: int
    first: int
    less: int


@once_per_weights
def winograd_factors(
    step: WeightedStep, largest_shifts: tuple[int, ...]
) -> tuple[WinogradFactor, ...] | None:
    """Proven factors of all channels, whose weights allow shifts up to `largest_shifts`; None when one has none."""
    factors = []
    for number, (constant, ends) in enumerate(
        zip(constant_codes(step), accumulator_ranges(step), strict=True)
    ):
        if constant is not None:
            factor: WinogradFactor | None = WinogradFactor(0, 0, constant << RIGHT, 0)
        else:
            factor = _channel_factor(step, ends, step.multipliers[number], largest_shifts[number])
        if factor is None:
            return None
        factors.append(factor)
    return tuple(factors)


def _channel_factor(
    step: WeightedStep, ends: tuple[int, int], scaling: tuple[int, int], largest_shift: int
) -> WinogradFactor | None:
    multiplier, right = scaling[0], -scaling[1]
    # With less than one spare bit the half that SRDHM adds would be lost.
    if not 1 <= right < RIGHT:
        return None
    # The smallest shift for which the new multiplier fits 31 bits has the most accurate one.
    shift = max(0, RIGHT - right - 3)
    if shift > largest_shift or max(map(abs, ends)) * SCALE << shift > _LARGEST_INT32:
        return None
    codes = np.arange(step.low + 1, step.high + 1, dtype=np.int64)
    distances = codes - step.output_zero
    wanted = _first_accumulators(distances, multiplier, right)
    less = 1 << (RIGHT - right) if step.low < step.output_zero else 0
    first = (step.output_zero << RIGHT) + (1 << (RIGHT - 1)) + (1 << (RIGHT - right - 1))
    exponent = RIGHT + 1 - right - 3 - shift
    ideal = round(multiplier * 2.0**exponent / 3)
    low, high = ends
    for neighbour in _NEIGHBOURS:
        factor = WinogradFactor(shift, ideal + neighbour, first, less)
        if not 0 < factor.multiplier <= _LARGEST_INT32 or not _stays_in_range(factor, ends):
            continue
        found = _first_scaled_accumulators(codes, factor)
        # Beyond the reachable accumulators a difference shows nowhere.
        same = np.clip(found, low, high + 1) == np.clip(wanted, low, high + 1)
        if np.all(same):
            return factor
    return None


def _first_accumulators(distances: Longs, multiplier: int, right: int) -> Longs:
    """Lowest accumulator for which TFLM answers zero point + distance or more, for each distance."""
    steps = (distances << right) - (1 << (right - 1)) + (distances <= 0)
    return np.asarray(-(-((steps << 31) - (1 << 30)) // multiplier))


def _first_scaled_accumulators(codes: Longs, factor: WinogradFactor) -> Longs:
    """The same for the kernel's form: it reaches a code when scaled accumulator * M >= (code 2^R - first) 2^32."""
    scaled = factor.multiplier * (SCALE << factor.shift)
    without = -(-((codes << RIGHT) - factor.first << 32) // scaled)
    lowered = -(-((codes << RIGHT) - factor.first + factor.less << 32) // scaled)
    return np.where(without > 0, without, np.minimum(lowered, 0))


def _stays_in_range(factor: WinogradFactor, ends: tuple[int, int]) -> bool:
    """True when no sum leaves 32 bits."""
    highs = [end * (SCALE << factor.shift) * factor.multiplier >> 32 for end in ends]
    sums = [factor.first + high - less for high in highs for less in (0, factor.less)]
    return max(map(abs, sums)) <= _LARGEST_INT32
