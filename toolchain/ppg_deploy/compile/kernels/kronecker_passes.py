"""Cuts the steps of a Kronecker convolution into passes when its sums do not fit the fields: ppg_kronecker.h.

Every pass has fields of its own, and the sums of the passes' fields are the accumulators, less a constant. With the
notation of kronecker_packing.py, but all sums over the taps and channels of pass p alone, the fields start at

    first   S = -(least low of p)
    middle  O = -(least low of p) - (least high of p)
    last    O - S

so that no field is ever negative when it is finished. A block's last field of pass p goes on in the first one of pass
p + 1 (the last pass's: of the first pass) in the next block. As all fields are added up in the end, it does not matter
which pass has it. What must hold is

    middle  (largest less least low) + (largest less least high) of p                    < 2^21
    first   (largest less least low) of p + (largest less least high) of the pass before  < 2^21

The sum of the fields is sum of w u less its least value: from 0 to the width of the accumulators, in 32 bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.kronecker_packing import (
    FIELD_BITS,
    LARGEST_CODE,
    LARGEST_NUMBER_OF_PASSES,
    Layout,
    Pass,
    Piece,
    layout_of,
)
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import constant_codes
from ppg_deploy.compile.steps import ConvolutionStep, WeightedStep

Longs = NDArray[np.int64]
_LARGEST_SUM = (1 << FIELD_BITS) - 1
_ROUNDS = 10


@dataclass(frozen=True, eq=False)
class _Sums:
    """Least and largest sums of each step (steps, channels), in the lower and the upper fields of the words."""

    least_low: Longs
    least_high: Longs
    low: Longs
    """Width: largest less least."""
    high: Longs


def passes_of(step: ConvolutionStep) -> tuple[Pass, ...] | None:
    """As few passes as possible, None when there would be more than LARGEST_NUMBER_OF_PASSES."""
    return _passes_of(step, layout_of(step))


@once_per_weights
def _passes_of(step: WeightedStep, layout: Layout) -> tuple[Pass, ...] | None:
    sums = _sums(step, layout)
    alive = np.array([code is None for code in constant_codes(step)])
    for number in range(1, LARGEST_NUMBER_OF_PASSES + 1):
        ends = _most_even(sums.low[:, alive] + sums.high[:, alive], number)
        if _fit(sums, alive, ends):
            return _cut(sums, layout, ends)
    return None


def _sums(step: WeightedStep, layout: Layout) -> _Sums:
    parts = []
    for segment in layout.segments:
        taps = step.weights[:, 0, segment.residue :: layout.residues].astype(np.int64)
        taps = taps[:, 2 * segment.word : 2 * (segment.word + segment.group.taps)]
        positive, negative = (LARGEST_CODE * part for part in (np.maximum(taps, 0), np.minimum(taps, 0)))
        at = np.arange(0, segment.channels, segment.group.rows)
        by_step = [
            np.add.reduceat(part[:, start::2].sum(axis=1), at, axis=1).T
            for part in (positive, negative)
            for start in (1, 0)
        ]
        parts.append(by_step)
    low, high, least_low, least_high = (np.concatenate(kind) for kind in zip(*parts, strict=True))
    return _Sums(least_low, least_high, low - least_low, high - least_high)


def _most_even(widths: Longs, number: int) -> list[int]:
    """Ends of `number` ranges of steps whose widest sum is as small as can be, or nearly."""
    totals = np.concatenate([np.zeros((1, widths.shape[1]), np.int64), widths.cumsum(axis=0)])
    least, most = 0, int(totals[-1].max(initial=0))
    best = [len(widths)]
    for _ in range(_ROUNDS):
        limit = (least + most) // 2
        ends = _ranges(totals, limit, number)
        if ends is None:
            least = limit
        else:
            best, most = ends, limit
    return best


def _ranges(totals: Longs, limit: int, number: int) -> list[int] | None:
    """Ends of up to `number` ranges with no sum above the limit, each as long as it can be."""
    ends = [0]
    while len(ends) <= number and ends[-1] < len(totals) - 1:
        begin = ends[-1]
        fits = (totals[begin + 1 :] - totals[begin] <= limit).all(axis=1)
        count = len(fits) if fits.all() else int(fits.argmin())
        if not count:
            return None
        ends.append(begin + count)
    return ends[1:] if ends[-1] == len(totals) - 1 else None


def _fit(sums: _Sums, alive: NDArray[np.bool_], ends: Sequence[int]) -> bool:
    low, high = (_by_pass(part[:, alive], ends) for part in (sums.low, sums.high))
    carried = low + np.roll(high, 1, axis=0)
    return bool(np.all(low + high <= _LARGEST_SUM) and np.all(carried <= _LARGEST_SUM))


def _by_pass(values: Longs, ends: Sequence[int]) -> Longs:
    return np.add.reduceat(values, [0, *ends[:-1]], axis=0)


def _cut(sums: _Sums, layout: Layout, ends: Sequence[int]) -> tuple[Pass, ...]:
    lows, highs = (_by_pass(part, ends) for part in (sums.least_low, sums.least_high))
    starts = -lows - ((lows + highs) << FIELD_BITS) - (highs << (2 * FIELD_BITS))
    return tuple(
        Pass(_pieces(layout, begin, end), start)
        for begin, end, start in zip([0, *ends[:-1]], ends, starts, strict=True)
    )


def _pieces(layout: Layout, begin: int, end: int) -> tuple[Piece, ...]:
    """Steps `begin` to `end`, counted through all segments."""
    pieces = []
    reached = 0
    for segment in layout.segments:
        first, last = max(begin - reached, 0), min(end - reached, segment.steps)
        if first < last:
            pieces.append(Piece(segment, first, last - first))
        reached += segment.steps
    return tuple(pieces)
