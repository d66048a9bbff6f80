"""Do the calibration windows cover the heart rates that the model will see?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW_WINDOWS = 100
# Heart rates of daily life and sport; a narrower valid_bpm of the card narrows them.
NEEDED_BPM = (60.0, 160.0)
BIN_BPM = 20.0
FEW_PER_BIN = 3
_BAR = 40


@dataclass(frozen=True)
class HeartRateBin:
    """Calibration windows with a reference heart rate in [low, high) BPM."""

    low: float
    high: float
    windows: int


def heart_rate_histogram(hr: NDArray[np.float32]) -> tuple[HeartRateBin, ...]:
    """Bins of 20 BPM from the lowest to the highest heart rate, and over 60 to 160 BPM at least."""
    first = np.floor(min(float(hr.min()), NEEDED_BPM[0]) / BIN_BPM) * BIN_BPM
    last = np.floor(max(float(hr.max()) / BIN_BPM + 1.0, NEEDED_BPM[1] / BIN_BPM)) * BIN_BPM
    edges = np.arange(first, last + BIN_BPM / 2, BIN_BPM)
    counts = np.histogram(hr.astype(np.float64), edges)[0]
    return tuple(
        HeartRateBin(float(low), float(low + BIN_BPM), int(count))
        for low, count in zip(edges[:-1], counts, strict=True)
    )


def coverage_warning(
    windows: int, hr: NDArray[np.float32] | None, valid_bpm: tuple[float, float] | None
) -> str | None:
    """What is wrong with the calibration windows, with a text histogram of their heart rates; None when nothing is.

    Args:
        windows: number of windows used.
        hr: their reference heart rates in BPM.
        valid_bpm: of the student card.
    """
    bins = () if hr is None else heart_rate_histogram(hr)
    problems = []
    if windows < FEW_WINDOWS:
        problems.append(
            f"only {windows} calibration windows: ranges may be too narrow; use {FEW_WINDOWS} or more"
        )
    thin = [part for part in bins if _is_needed(part, valid_bpm) and part.windows < FEW_PER_BIN]
    if thin:
        gaps = ", ".join(f"{part.low:.0f} to {part.high:.0f}" for part in thin)
        problems.append(f"hardly any calibration windows at {gaps} BPM: such heart rates may clip")
    if not problems:
        return None
    return "\n".join(["; ".join(problems), *_text_histogram(bins)])


def _is_needed(part: HeartRateBin, valid_bpm: tuple[float, float] | None) -> bool:
    valid = valid_bpm if valid_bpm is not None else NEEDED_BPM
    low, high = max(NEEDED_BPM[0], valid[0]), min(NEEDED_BPM[1], valid[1])
    return part.low >= low and part.high <= high


def _text_histogram(bins: tuple[HeartRateBin, ...]) -> list[str]:
    most = max((part.windows for part in bins), default=0)
    return [
        f"  {part.low:3.0f} to {part.high:3.0f} BPM {part.windows:5d} "
        f"{'#' * -(-_BAR * part.windows // most)}".rstrip()
        for part in bins
    ]
