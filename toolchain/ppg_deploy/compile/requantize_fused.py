"""Finds and proves requantisation with one shift for a whole layer, so that SSAT can do the shift, or with a sign.

The fused form computes, for an accumulator a, of which the kernel has s a with a constant s,

    saturate8((first - [a < 0] deduction + floor(s a M / 2^32)) >> right)

With a deduction of 0 and the same `right` for all channels, that is SMMLA and SSAT; in the most general case it is
AND, SMMLA, SUB, ASR and SSAT. As in requantize_scaled.py, it equals TFLM's code for every reachable accumulator when
it does so on both sides of each of the code's steps and at both ends of the range. With a deduction there are two
ranges, below 0 and from 0 on, with a `first` each: TFLM rounds ties away from zero, so the steps of negative
accumulators lie one unit further on.
"""

from dataclasses import dataclass

import numpy as np

from ppg_deploy.compile.requantize import accumulator_ranges, constant_codes
from ppg_deploy.compile.requantize_scaled import Channels, Longs
from ppg_deploy.compile.steps import WeightedStep

_LARGEST_INT32 = (1 << 31) - 1
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
        multipliers = np.array(step.multipliers, np.int64)[alive]
        channels = Channels(
            step, scale, low[alive], high[alive], multipliers[:, 0], multipliers[:, 1], missing[alive]
        )
        rights, ideal = channels.ideal_multipliers(right)
        if np.any(ideal > _LARGEST_INT32 - max(_NEIGHBOURS)):
            return None
        found = _search(channels, ideal, rights, signed)
        if found is None:
            return None
        for channel, factor in zip(alive, found, strict=True):
            factors[channel] = factor
    return tuple(factor for factor in factors if factor is not None)


def _search(channels: Channels, ideal: Longs, rights: Longs, signed: bool) -> list[FusedFactor] | None:
    """The first exact factor of each channel, None when one channel has none."""
    found: dict[int, FusedFactor] = {}
    for neighbour in _NEIGHBOURS:
        multipliers = ideal + neighbour
        lowest, highest = _intervals(channels, multipliers[:, None], rights[:, None])
        if not signed:
            lowest = np.broadcast_to(lowest.max(axis=0), lowest.shape)
            highest = np.broadcast_to(highest.min(axis=0), highest.shape)
        # The middle of an interval keeps the same distance to both sides. A side that asks for little takes what the
        # other one has.
        below, above = (lowest + highest) >> 1
        below = np.where(highest[0] - lowest[0] >= _UNBOUNDED // 2, above, below)
        above = np.where(highest[1] - lowest[1] >= _UNBOUNDED // 2, below, above)
        exact = np.all(lowest <= np.stack([below, above]), axis=0)
        exact &= np.all(np.stack([below, above]) <= highest, axis=0)
        for channel in np.flatnonzero(exact):
            deduction = int(above[channel] - below[channel])
            factor = FusedFactor(
                int(multipliers[channel]), int(above[channel]), deduction, int(rights[channel])
            )
            if channel not in found and _fits(channels, int(channel), factor):
                found[int(channel)] = factor
        if len(found) == len(ideal):
            return [found[channel] for channel in range(len(ideal))]
    return None


def _intervals(channels: Channels, multipliers: Longs, rights: Longs) -> tuple[Longs, Longs]:
    """Lowest and highest `first` less deduction that are right; row 0 for accumulators below 0, row 1 from 0 on."""
    ends = [channels.low, np.clip(-1, channels.low, channels.high), np.clip(0, channels.low, channels.high)]
    at_ends = np.concatenate([*ends, channels.high], axis=1)
    codes_at_ends = channels.exact(at_ends)
    # Accumulators that must have at least, and at most, some code.
    at_least = np.concatenate([channels.steps, at_ends], axis=1)
    at_most = np.concatenate([channels.steps - 1, at_ends], axis=1)
    codes = np.broadcast_to(channels.codes, channels.steps.shape)
    minimum = np.concatenate([codes, codes_at_ends], axis=1)
    maximum = np.concatenate([codes - 1, codes_at_ends], axis=1)
    needs_minimum = np.concatenate([channels.is_step, codes_at_ends > channels.lowest_code], axis=1)
    needs_maximum = np.concatenate([channels.is_step, codes_at_ends < channels.highest_code], axis=1)
    from_below = (minimum << rights) - channels.product(at_least, multipliers)
    from_above = ((maximum + 1) << rights) - 1 - channels.product(at_most, multipliers)
    lowest = [
        np.where(needs_minimum & side, from_below, -_UNBOUNDED).max(axis=1)
        for side in (at_least < 0, at_least >= 0)
    ]
    highest = [
        np.where(needs_maximum & side, from_above, _UNBOUNDED).min(axis=1)
        for side in (at_most < 0, at_most >= 0)
    ]
    return np.stack(lowest), np.stack(highest)


def _fits(channels: Channels, channel: int, factor: FusedFactor) -> bool:
    """No constant and no sum leaves 32 bits."""
    missing = int(channels.missing[channel, 0])
    products = [
        ((int(end[channel, 0]) - missing) * channels.scale * factor.multiplier) >> 32
        for end in (channels.low, channels.high)
    ]
    firsts = (factor.first, factor.first - factor.deduction, factor.deduction)
    return all(
        abs(value) <= _LARGEST_INT32
        for value in (*firsts, *(first + product for first in firsts[:2] for product in products))
    )
