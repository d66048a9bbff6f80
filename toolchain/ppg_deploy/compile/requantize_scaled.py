"""Finds and proves three-instruction requantisation for kernels whose accumulators arrive multiplied by a constant.

The scaled form computes, for an accumulator a, of which the kernel has s a with a constant s > 1,

    saturate8((first + floor(s a M / 2^32)) >> right)                      SMMLA, ASR, SSAT

and TFLM's code is f(a), two roundings, zero point and clamp (see requantize.py). Neither decreases with a, so they
are equal for all reachable accumulators when they are equal on both sides of each of f's steps and at both ends of
the range: at most 512 comparisons a channel, all of which are made. `first` has the rounding, so a step of f at
accumulator b asks for

    (code << right) - floor(s b M / 2^32)  <=  first  <=  (code << right) - 1 - floor(s (b - 1) M / 2^32)

and the channel has the form when the intervals of all steps share a number. The spare bits of s make room for the
half that TFLM's first rounding adds. Codes below the clamp's lower end need no step of their own, because the kernel
clamps afterwards; that is what makes outputs of a ReLU easy: negative ties never show.
"""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import Factor, accumulator_ranges, constant_codes
from ppg_deploy.compile.steps import WeightedStep
from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier

Longs = NDArray[np.int64]

_LARGEST_INT32 = (1 << 31) - 1
_LARGEST_RIGHT_SHIFT = 23
# Accumulators; a power of two needs the fewest comparisons.
_GUESS_REACH = 8
# Rounded to 31 bits, the ideal multiplier can miss a step that a neighbour hits.
_NEIGHBOURS = (0, 1, -1, 2, -2, 3, -3)


@once_per_weights
def scaled_factors(step: WeightedStep, scale: int) -> tuple[Factor, ...] | None:
    """Factors (multiplier, first, right) of all channels for accumulators that are multiplied by `scale`.

    Returns:
        None when a channel's scaled accumulators could leave 32 bits, or no factor is exact for it. Channels with one
        reachable code get multiplier 0.
    """
    low, high = (np.array(ends, np.int64) for ends in zip(*accumulator_ranges(step), strict=True))
    constants = constant_codes(step)
    dead = np.array([code is not None for code in constants])
    fits = (np.abs(low) * scale <= _LARGEST_INT32) & (np.abs(high) * scale <= _LARGEST_INT32)
    if not np.all(fits | dead):
        return None
    factors: list[Factor | None] = [None if code is None else Factor(0, 2 * code, 1) for code in constants]
    alive = np.flatnonzero(~dead)
    if len(alive):
        multipliers = np.array(step.multipliers, np.int64)[alive]
        found = Channels(step, scale, low[alive], high[alive], multipliers[:, 0], multipliers[:, 1]).factors()
        for channel, factor in zip(alive, found, strict=True):
            factors[channel] = factor
    complete = tuple(factor for factor in factors if factor is not None)
    return complete if len(complete) == len(factors) else None


class Channels:
    """The steps of TFLM's codes for channels that are not constant; every array has one row a channel."""

    def __init__(
        self,
        step: WeightedStep,
        scale: int,
        low: Longs,
        high: Longs,
        multiplier: Longs,
        shift: Longs,
        missing: Longs | None = None,
    ) -> None:
        """`missing` is what the accumulators lack when the kernel multiplies them, 0 unless given."""
        self.missing = (np.zeros_like(low) if missing is None else missing)[:, None]
        self._zero = step.output_zero
        self.scale = scale
        self.low, self.high = low[:, None], high[:, None]
        self._multiplier, self._shift = multiplier[:, None], shift[:, None]
        self.codes = np.arange(step.low + 1, step.high + 1, dtype=np.int64)[None, :]
        self.lowest_code, self.highest_code = step.low, step.high
        self.steps = self._first_accumulators()
        reached = self.exact(self.high)
        # A code is reached when some reachable accumulator has it; it is a step when another one lies below.
        self._is_reached = self.codes <= reached
        self.is_step = self._is_reached & (self.steps > self.low)

    def exact(self, accumulators: Longs) -> Longs:
        """TFLM's codes."""
        codes = multiply_by_quantized_multiplier(accumulators, self._multiplier, self._shift) + self._zero
        return np.clip(codes, self.lowest_code, self.highest_code)

    def _first_accumulators(self) -> Longs:
        """The lowest reachable accumulator of each code or a larger one; the highest one if there is none."""
        # Near where real numbers change over; whole ranges are searched where that is not so.
        real = np.maximum(self._multiplier * np.exp2(self._shift - 31.0), 2.0**-31)
        guess = np.round((self.codes - 0.5 - self._zero) / real).astype(np.int64)
        below = np.clip(guess - _GUESS_REACH, self.low, self.high)
        above = np.clip(guess + _GUESS_REACH, self.low, self.high)
        below = np.where(self.exact(below) < self.codes, below, self.low)
        above = np.where(self.exact(above) >= self.codes, above, self.high)
        while np.any(below < above):
            middle = (below + above) >> 1
            has_code = self.exact(middle) >= self.codes
            above = np.where(has_code, middle, above)
            below = np.where(has_code, below, np.minimum(middle + 1, above))
        return above

    def factors(self) -> list[Factor | None]:
        """The first factor found for each channel."""
        rights, ideal = self.ideal_multipliers()
        found: list[Factor | None] = [None] * len(self.low)
        for neighbour in _NEIGHBOURS:
            multipliers = ideal + neighbour
            lowest, highest = self._interval(multipliers[:, None], rights[:, None])
            for channel in np.flatnonzero(lowest <= highest):
                if found[channel] is None:
                    # The middle of the interval keeps the same distance to both sides.
                    first = int((lowest[channel] + highest[channel]) >> 1)
                    found[channel] = self._checked(
                        int(channel), int(multipliers[channel]), first, int(rights[channel])
                    )
            if all(factor is not None for factor in found):
                break
        return found

    def ideal_multipliers(self, right: int | None = None) -> tuple[Longs, Longs]:
        """(right shifts, multipliers): s M / 2^32 is 2^right times the real factor.

        M is as large as 31 bits allow, or as the right shift asks for when one is given.
        """
        real = self._multiplier[:, 0] * np.exp2(self._shift[:, 0].astype(np.float64) - 31)
        per_unit = real * 2.0**32 / self.scale
        if right is not None:
            fixed = np.full(len(real), right, np.int64)
            return fixed, np.round(per_unit * np.exp2(fixed)).astype(np.int64)
        rights = np.floor(np.log2(_LARGEST_INT32 / per_unit)).astype(np.int64)
        rights = np.clip(rights, 1, _LARGEST_RIGHT_SHIFT)
        ideal = np.round(per_unit * np.exp2(rights)).astype(np.int64)
        # A shift of 0 would be needed where even 1 is too large: no factor then.
        return rights, np.minimum(ideal, _LARGEST_INT32 - max(_NEIGHBOURS))

    def product(self, accumulators: Longs, multipliers: Longs) -> Longs:
        """floor(s a M / 2^32), where a lacks what is missing."""
        return np.asarray(((accumulators - self.missing) * self.scale * multipliers) >> 32)

    def _interval(self, multipliers: Longs, rights: Longs) -> tuple[Longs, Longs]:
        """Lowest and highest `first` that put every step, and both ends, on the right side."""
        at_step = (self.codes << rights) - self.product(self.steps, multipliers)
        before = (self.codes << rights) - 1 - self.product(self.steps - 1, multipliers)
        unbounded = np.int64(1) << 40
        lowest = np.where(self.is_step, at_step, -unbounded).max(axis=1)
        highest = np.where(self.is_step, before, unbounded).min(axis=1)
        first_code, last_code = self.exact(self.low), self.exact(self.high)
        needs_low, needs_high = first_code > self.lowest_code, last_code < self.highest_code
        at_low = (first_code << rights) - self.product(self.low, multipliers)
        at_high = ((last_code + 1) << rights) - 1 - self.product(self.high, multipliers)
        lowest = np.maximum(lowest, np.where(needs_low, at_low, -unbounded)[:, 0])
        highest = np.minimum(highest, np.where(needs_high, at_high, unbounded)[:, 0])
        return lowest, highest

    def _checked(self, channel: int, multiplier: int, first: int, right: int) -> Factor | None:
        """The factor, unless `first` or a sum with it could leave 32 bits."""
        ends = (
            first + ((int(end[channel, 0]) * self.scale * multiplier) >> 32) for end in (self.low, self.high)
        )
        if any(abs(value) > _LARGEST_INT32 for value in (first, *ends)):
            return None
        return Factor(multiplier, first, right)
