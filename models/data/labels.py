"""Reference heart rates of windows from heart rates at given times."""

import numpy as np
from numpy.typing import NDArray

from models.data.recording import STRIDE_S, WINDOW_S


def window_means(
    time_s: NDArray[np.float64], bpm: NDArray[np.float64], windows: int, fewest: int
) -> NDArray[np.float32]:
    """Mean of the heart rates whose time lies in each window [2 k, 2 k + 8) s; NaN for fewer than `fewest`."""
    order = np.argsort(time_s, kind="stable")
    time_s, bpm = time_s[order], bpm[order]
    means = np.full(windows, np.nan, np.float32)
    for window in range(windows):
        start = window * STRIDE_S
        first, last = np.searchsorted(time_s, [start, start + WINDOW_S])
        if last - first >= fewest:
            means[window] = bpm[first:last].mean()
    return means
