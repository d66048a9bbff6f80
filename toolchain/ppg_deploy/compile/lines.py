"""Straight lines that reproduce a requantised function of one code exactly: proven by trying all 256 codes.

A line gives, for the code q, cut(offset + floor(slope * q / 2^8)) with offset and result in units of 2^-16 and slope
in units of 2^-24 codes; the cut keeps the integer part between -128 and 127. TFLM rounds twice, and ties away from
zero, which is no straight line; but 256 codes usually leave room between a channel's values and the places where that
shows.
"""

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.int64]

CODES: Wide = np.arange(-128, 128, dtype=np.int64)
"""All codes, in the order of the columns of every function here."""

_SLOPE_SHIFT = 8
_FRACTION = 16
_OFFSET = 128
_LARGEST_WORD = (1 << 31) - 1
_ATTEMPTS = 60
# Beyond every real bound; far from the ends of int64.
_FAR = 1 << 50
_IDENTITY = (1 << (_FRACTION + _SLOPE_SHIFT), _OFFSET << _FRACTION)


def lines_through(outputs: Wide, slopes: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Per channel the slope and the offset plus 128 of ppg_affine.h, and whether they are the channel's line.

    A channel without a line gets the line that leaves every code as it is.

    Args:
        outputs: int64 (channels, 256): the code that each input code becomes, already cut to -128 .. 127.
        slopes: float (channels,): about how many output codes lie between neighbouring input codes.
    """
    shifted = outputs + _OFFSET
    # What lies beyond an end is cut to it, so the end bounds on one side only.
    lowest = np.where(shifted > 0, shifted << _FRACTION, -_FAR)
    highest = np.where(shifted < 2 * _OFFSET - 1, ((shifted + 1) << _FRACTION) - 1, _FAR)
    constant = (outputs == outputs[:, :1]).all(axis=1)
    wished = np.where(constant, 0.0, slopes * (1 << (_FRACTION + _SLOPE_SHIFT)))
    slope = np.rint(np.clip(wished, -_LARGEST_WORD, _LARGEST_WORD)).astype(np.int64)
    for _ in range(_ATTEMPTS):
        low, high, first, last = _offsets(slope, lowest, highest)
        missing = np.where(first == last, 0, np.maximum(low - high, 0))
        if not missing.any():
            break
        # The two codes that contradict each other agree when the line turns by this much.
        distance = np.where(first == last, 1, first - last)
        turn = -(-(missing << _SLOPE_SHIFT) // np.abs(distance)) * np.sign(distance)
        slope = np.clip(slope + turn, -_LARGEST_WORD, _LARGEST_WORD)
    low, high, _, _ = _offsets(slope, lowest, highest)
    # A channel that is cut everywhere is bounded on one side only.
    offset = np.where(low < -_FAR // 2, high, np.where(high > _FAR // 2, low, (low + high) >> 1))
    sums = _values(slope) + offset[:, None]
    largest = np.maximum(np.abs(sums).max(axis=1), np.abs(offset))
    found = (low <= high) & (largest <= _LARGEST_WORD)
    words = np.where(found[:, None], np.stack([slope, offset], axis=1), _IDENTITY)
    return words.astype(np.int32), found


def _values(slope: Wide) -> Wide:
    return (slope[:, None] * CODES) >> _SLOPE_SHIFT


def _offsets(slope: Wide, lowest: Wide, highest: Wide) -> tuple[Wide, Wide, Wide, Wide]:
    """Lowest and highest possible offset of each channel, and the columns of the codes that bound it."""
    values = _values(slope)
    first, last = (lowest - values).argmax(axis=1), (highest - values).argmin(axis=1)
    rows = np.arange(len(slope))
    return (
        (lowest - values)[rows, first],
        (highest - values)[rows, last],
        first.astype(np.int64),
        last.astype(np.int64),
    )
