"""Finds and proves requantisation in few instructions for kernels whose accumulators arrive multiplied by a constant.

The fused form computes, for an accumulator a, of which the kernel has s a with a constant s > 1,

    saturate8((first - [a < 0] deduction + floor(s a M / 2^32)) >> right)

With a deduction of 0 and the same `right` for all channels, that is SMMLA and SSAT; with a `right` for each channel
SMMLA, ASR and SSAT; in the most general case AND, SMMLA, SUB, ASR and SSAT. The spare bits of s make room for the half
that TFLM's first rounding adds. `first` has the second rounding, so a step of TFLM's code at accumulator b asks for

    (code << right) - floor(s b M / 2^32)  <=  first  <=  (code << right) - 1 - floor(s (b - 1) M / 2^32)

and the channel has the form when the intervals of all steps, and of both ends of the range, share a number:
code_steps.py says why that is enough. With a deduction there are two ranges, below 0 and from 0 on, with a `first`
each: TFLM rounds ties away from zero, so the steps of negative accumulators lie one unit further on. Codes below the
clamp's lower end need no step of their own, because the kernel clamps afterwards; that is what makes outputs of a
ReLU easy: negative ties never show.

Accumulators that arrive as they are have the short form, which needs no search (requantize.py); the Winograd kernel
has no register left for a right shift and keeps it in `first`, so it looks for its constants in another way
(winograd_factors.py).
"""

from dataclasses import dataclass

import numpy as np

from ppg_deploy.compile.code_steps import CodeSteps, Longs
from ppg_deploy.compile.requantize import accumulator_ranges, constant_codes
from ppg_deploy.compile.steps import WeightedStep

_LARGEST_INT32 = (1 << 31) - 1
_LARGEST_RIGHT_SHIFT = 23
# Rounded multipliers can miss a step that a neighbour hits.
_NEIGHBOURS = (0, 1, -1, 2, -2, 3, -3, 4, -4)
_UNBOUNDED = np.int64(1) << 40


@dataclass(frozen=True)
class FusedFactor:
    """Constants of one channel."""

    multiplier: int
    first: int
    deduction: int
    right: int


def fused_factors(
    step: WeightedStep, scale: int, right: int | None, *, added_later: Longs | None = None
) -> tuple[FusedFactor, ...] | None:
    """Factors of all channels for accumulators that are multiplied by `scale`, without deductions.

    Args:
        step: what to compute.
        scale: accumulators arrive multiplied by it.
        right: the layer's right shift, None when each channel may have its own.
        added_later: per channel, what accumulators lack when they are multiplied; `first` makes up for it.

    Returns:
        None when some channel has no exact factor.
    """
    return _factors(step, scale, right, signed=False, added_later=added_later)


def signed_factors(
    step: WeightedStep, scale: int, right: int | None = None
) -> tuple[FusedFactor, ...] | None:
    """The same with deductions, which sums whose negative ties show need."""
    return _factors(step, scale, right, signed=True)


def _factors(
    step: WeightedStep, scale: int, right: int | None, *, signed: bool, added_later: Longs | None = None
) -> tuple[FusedFactor, ...] | None:
    constants = constant_codes(step)
    low, high = (np.array(ends, np.int64) for ends in zip(*accumulator_ranges(step), strict=True))
    dead = np.array([code is not None for code in constants])
    missing = np.zeros_like(low) if added_later is None else added_later
    largest = np.maximum(np.abs(low - missing), np.abs(high - missing))
    if np.any(largest[~dead] * scale > _LARGEST_INT32):
        return None
    shift_of_dead = 1 if right is None else right
    factors = [
        None if code is None else FusedFactor(0, code << shift_of_dead, 0, shift_of_dead)
        for code in constants
    ]
    alive = np.flatnonzero(~dead)
    if len(alive):
        found = _Search(CodeSteps(step, alive), scale, missing[alive]).factors(right, signed=signed)
        if found is None:
            return None
        for channel, factor in zip(alive, found, strict=True):
            factors[channel] = factor
    return tuple(factor for factor in factors if factor is not None)


class _Search:
    """Channels that are not constant; `missing` is what their accumulators lack when the kernel multiplies them."""

    def __init__(self, steps: CodeSteps, scale: int, missing: Longs) -> None:
        self._steps = steps
        self._scale = scale
        self._missing = missing[:, None]

    def factors(self, right: int | None, *, signed: bool) -> list[FusedFactor] | None:
        """The first exact factor of each channel, None when one channel has none."""
        rights, ideal = self._ideal_multipliers(right)
        if np.any(ideal > _LARGEST_INT32 - max(_NEIGHBOURS)):
            return None
        found: dict[int, FusedFactor] = {}
        for neighbour in _NEIGHBOURS:
            multipliers = ideal + neighbour
            lowest, highest = self._intervals(multipliers[:, None], rights[:, None])
            if not signed:
                lowest = np.broadcast_to(lowest.max(axis=0), lowest.shape)
                highest = np.broadcast_to(highest.min(axis=0), highest.shape)
            # The middle of an interval keeps the same distance to both sides. A side that asks for little takes what
            # the other one has.
            below, above = (lowest + highest) >> 1
            below = np.where(highest[0] - lowest[0] >= _UNBOUNDED // 2, above, below)
            above = np.where(highest[1] - lowest[1] >= _UNBOUNDED // 2, below, above)
            exact = np.all(lowest <= np.stack([below, above]), axis=0)
            exact &= np.all(np.stack([below, above]) <= highest, axis=0)
            for channel in np.flatnonzero(exact):
                factor = FusedFactor(
                    multiplier=int(multipliers[channel]),
                    first=int(above[channel]),
                    deduction=int(above[channel] - below[channel]),
                    right=int(rights[channel]),
                )
                if channel not in found and self._fits(int(channel), factor):
                    found[int(channel)] = factor
            if len(found) == len(ideal):
                return [found[channel] for channel in range(len(ideal))]
        return None

    def _ideal_multipliers(self, right: int | None) -> tuple[Longs, Longs]:
        """(right shifts, multipliers): s M / 2^32 is 2^right times the real factor.

        M is as large as 31 bits allow, or as the right shift asks for when one is given.
        """
        per_unit = self._steps.real_factors * 2.0**32 / self._scale
        if right is None:
            rights = np.floor(np.log2(_LARGEST_INT32 / per_unit)).astype(np.int64)
            rights = np.clip(rights, 1, _LARGEST_RIGHT_SHIFT)
        else:
            rights = np.full(len(per_unit), right, np.int64)
        return rights, np.round(per_unit * np.exp2(rights)).astype(np.int64)

    def _products(self, accumulators: Longs, multipliers: Longs) -> Longs:
        """floor(s a M / 2^32), where a lacks what is missing."""
        return np.asarray(((accumulators - self._missing) * self._scale * multipliers) >> 32)

    def _intervals(self, multipliers: Longs, rights: Longs) -> tuple[Longs, Longs]:
        """Lowest and highest `first` less deduction that are right.

        Row 0 is for accumulators below 0, row 1 for those from 0 on.
        """
        steps = self._steps
        ends = [steps.low, np.clip(-1, steps.low, steps.high), np.clip(0, steps.low, steps.high)]
        at_ends = np.concatenate([*ends, steps.high], axis=1)
        codes_at_ends = steps.exact(at_ends)
        # Accumulators that must have at least, and at most, some code.
        at_least = np.concatenate([steps.steps, at_ends], axis=1)
        at_most = np.concatenate([steps.steps - 1, at_ends], axis=1)
        codes = np.broadcast_to(steps.codes, steps.steps.shape)
        minimum = np.concatenate([codes, codes_at_ends], axis=1)
        maximum = np.concatenate([codes - 1, codes_at_ends], axis=1)
        needs_minimum = np.concatenate([steps.is_step, codes_at_ends > steps.lowest_code], axis=1)
        needs_maximum = np.concatenate([steps.is_step, codes_at_ends < steps.highest_code], axis=1)
        from_below = (minimum << rights) - self._products(at_least, multipliers)
        from_above = ((maximum + 1) << rights) - 1 - self._products(at_most, multipliers)
        lowest = [
            np.where(needs_minimum & side, from_below, -_UNBOUNDED).max(axis=1)
            for side in (at_least < 0, at_least >= 0)
        ]
        highest = [
            np.where(needs_maximum & side, from_above, _UNBOUNDED).min(axis=1)
            for side in (at_most < 0, at_most >= 0)
        ]
        return np.stack(lowest), np.stack(highest)

    def _fits(self, channel: int, factor: FusedFactor) -> bool:
        """No constant and no sum leaves 32 bits."""
        missing = int(self._missing[channel, 0])
        products = [
            ((int(end[channel, 0]) - missing) * self._scale * factor.multiplier) >> 32
            for end in (self._steps.low, self._steps.high)
        ]
        firsts = (factor.first, factor.first - factor.deduction, factor.deduction)
        return all(
            abs(value) <= _LARGEST_INT32
            for value in (*firsts, *(first + product for first in firsts[:2] for product in products))
        )
