"""Finds and proves requantisation of the exact Winograd kernel, whose accumulators arrive times 24 * 2^s.

For an accumulator a the kernel computes

    b = 24 2^s a + offset
    saturate8((first + floor(b M / 2^32) - (b < 0) * less) >> right)

With a right shift of FAST_RIGHT, a constant in the code, the shift is part of SSAT. Otherwise the lowest byte of
`first` is the right shift: that saves a load, because shifts by a register look at the lowest byte only. The offset, a
part of the bias that costs nothing, makes up for it.

`less` is 2^right / 2^e for TFLM's right shift e: its second rounding lowers negative numbers by one before it shifts. A
step whose codes all lie above the output's zero point (ReLU) has nothing to lower. Constants are guessed and then
compared with TFLM's codes wherever code_steps.py says that it matters. The search of requantize_fused.py does not do:
`first` can only be moved in steps of 256, and what it lacks must come from the offset, which `b < 0` depends on.
"""

from dataclasses import dataclass

import numpy as np

from ppg_deploy.compile.code_steps import CodeSteps
from ppg_deploy.compile.requantize import constant_codes
from ppg_deploy.compile.steps import WeightedStep

FAST_RIGHT = 11
"""PPG_WINOGRAD_RIGHT of ppg_winograd.h."""
SCALE = 24
"""What the transforms multiply accumulators with."""

_LARGEST_INT32 = (1 << 31) - 1
_LARGEST_RIGHT = 22
_NEIGHBOURS = (0, 1, -1)
# Each step of 256 in `first` asks for another offset; one that is nearly a whole number is wanted.
_DISTANCES = range(-20, 21)
_CANDIDATES = 4


@dataclass(frozen=True)
class WinogradFactor:
    """Requantisation of a channel; its weights are multiplied by SCALE << shift in all."""

    shift: int
    offset: int
    multiplier: int
    first: int
    less: int
    right: int


class ChannelProof:
    """Looks for the factor of one output channel.

    Args:
        step: of the channel.
        channel: its number.
        largest_shift: by which its weights may be multiplied, as a power of two.
    """

    def __init__(self, step: WeightedStep, channel: int, largest_shift: int) -> None:
        self._zero = step.output_zero
        self._limits = (step.low, step.high)
        self._multiplier, self._right = step.multipliers[channel][0], -step.multipliers[channel][1]
        self._constant = constant_codes(step)[channel]
        self._is_possible = 1 <= self._right <= _LARGEST_RIGHT
        if self._constant is not None or not self._is_possible:
            return
        steps = CodeSteps(step, np.array([channel]))
        furthest = max(abs(int(steps.low.item())), abs(int(steps.high.item())), 1) * SCALE
        self._largest_shift = min(largest_shift, (_LARGEST_INT32 // furthest).bit_length() - 2)
        # Both sides of every reachable step, and both ends: the codes there are what must come out.
        firsts = steps.steps[steps.is_step]
        self._probes = np.concatenate([firsts, firsts - 1, steps.low[0], steps.high[0]])
        self._answers = steps.exact(self._probes[None])[0]

    def fast(self) -> WinogradFactor | None:
        """With the constant right shift."""
        # The smallest power of two for which the multiplier fits 31 bits gives the most accurate one.
        return self._with(FAST_RIGHT, max(0, FAST_RIGHT - self._right - 3), is_fast=True)

    def any(self) -> WinogradFactor | None:
        """With a right shift of its own and a multiplier as accurate as can be."""
        if self._constant is None and self._is_possible:
            for shift in range(self._largest_shift, -1, -1):
                factor = self._with(self._right + 3 + shift, shift)
                if factor is not None:
                    return factor
            return None
        return self._with(FAST_RIGHT, 0)

    def _with(self, right: int, shift: int, *, is_fast: bool = False) -> WinogradFactor | None:
        if self._constant is not None:
            return WinogradFactor(0, 0, 0, (self._constant << right) + right, 0, right)
        if not self._is_possible or shift > self._largest_shift:
            return None
        lowers = self._limits[0] < self._zero
        if lowers and right < self._right:
            return None
        less = 1 << (right - self._right) if lowers else 0
        per_unit = self._multiplier * 2.0 ** (right - self._right - 2 - shift) / 3
        for multiplier in (round(per_unit) + neighbour for neighbour in _NEIGHBOURS):
            if not 0 < multiplier <= _LARGEST_INT32:
                continue
            for offset, first in self._offsets(multiplier, right, is_fast)[:_CANDIDATES]:
                factor = WinogradFactor(shift, offset, multiplier, first, less, right)
                if self._is_exact(factor):
                    return factor
        return None

    def _offsets(self, multiplier: int, right: int, is_fast: bool) -> list[tuple[int, int]]:
        """(offset, first) that together round as TFLM does, the most accurate ones first."""
        half = (self._zero << right) + (1 << (right - 1))
        # What SRDHM adds: half a unit of its result.
        exact = half + 2.0 ** (right - self._right - 1)
        with_shift = [(half >> 8 << 8) + right + 256 * distance for distance in _DISTANCES]
        firsts = [int(exact)] if is_fast else with_shift
        ideal = [(exact - first) * 2.0**32 / multiplier for first in firsts]
        ranked = sorted(zip(ideal, firsts, strict=True), key=lambda pair: abs(pair[0] - round(pair[0])))
        return [(round(offset), first) for offset, first in ranked]

    def _is_exact(self, factor: WinogradFactor) -> bool:
        """True when all probes give the right codes and no sum leaves 32 bits."""
        scaled = self._probes * (SCALE << factor.shift) + factor.offset
        sums = factor.first + (scaled * factor.multiplier >> 32)
        lowered = sums - np.where(scaled < 0, factor.less, 0)
        fits = all(np.abs(values).max() <= _LARGEST_INT32 for values in (scaled, sums, lowered))
        return bool(fits and np.array_equal(np.clip(lowered >> factor.right, *self._limits), self._answers))
