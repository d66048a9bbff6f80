"""Heart-rate error of a sequence of answers, raw and post-filtered."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.card import StudentCard
from ppg_deploy.decode import decode_bpm, post_filter
from ppg_deploy.windows import Windows

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class HeartRate:
    """Answers of one implementation (float, int8 host, device) in BPM: (N,) each.

    Attributes:
        raw: decoded outputs.
        filtered: after the card's post-filter; equal to `raw` without one.
    """

    raw: Numbers
    filtered: Numbers


def heart_rate(card: StudentCard, outputs: NDArray[np.floating], windows: Windows) -> HeartRate:
    """Decode real-valued outputs (N, outputs)."""
    raw = decode_bpm(card.output, outputs)
    return HeartRate(raw, post_filter(card, raw, windows))


def mean_absolute_error(bpm: Numbers, windows: Windows) -> float | None:
    """MAE in BPM against the windows' labels; None without labels."""
    if windows.hr is None:
        return None
    return float(np.abs(bpm - windows.hr.astype(np.float64)).mean())
