"""Heart rate from an ECG, for the data sets that publish the ECG and no heart rate.

R peaks: zero-phase band-pass of 8 to 20 Hz, slope, square, mean over 0.1 s, square root; local maxima at least 0.25 s
apart and above 0.4 of the local level, which is the median over 20 s of the maxima of 2-s blocks. Each is moved to the
extremum of the band-passed ECG within 0.08 s, refined by a parabola. The chain is that of Pan and Tompkins, "A
real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32(3), 1985, with a level that also looks ahead.

Heart rate of a window: beats in the window, counted with fractions (linear between two R peaks), a minute. That is the
mean instantaneous heart rate over the window. A window has no reference where an RR interval that reaches into it is
outside 0.3 to 2 s or differs from the median of these intervals by more than a factor of 1.6: beats were missed or
invented there.
"""

import numpy as np
from numpy.typing import NDArray

from models.data.recording import STRIDE_S, WINDOW_S
from ppg_deploy.errors import InputError

_QRS_BAND_HZ = (8.0, 20.0)
_ENERGY_S = 0.1
_REFRACTORY_S = 0.25
_LEVEL_BLOCK_S = 2.0
_LEVEL_BLOCKS = 11
_LEVEL_FRACTION = 0.4
_SEARCH_S = 0.08
_SHORTEST_RR_S = 0.3
_LONGEST_RR_S = 2.0
_LARGEST_RR_RATIO = 1.6
_FEWEST_INTERVALS = 3
_LOWEST_RATE_HZ = 100


def r_peaks(ecg: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """Times of the R peaks of a one-lead ECG (T,) of either polarity, in seconds.

    Raises:
        InputError: the ECG is too short, too slowly sampled, constant, or not finite.
    """
    from scipy.ndimage import median_filter, uniform_filter1d
    from scipy.signal import butter, find_peaks, sosfiltfilt

    if rate_hz < _LOWEST_RATE_HZ or ecg.ndim != 1 or ecg.size < WINDOW_S * rate_hz:
        raise InputError(
            f"an ECG of shape {ecg.shape} at {rate_hz} Hz",
            hint="give at least 8 s of one lead at 100 Hz or more",
        )
    if not np.isfinite(ecg).all() or np.ptp(ecg) == 0.0:
        raise InputError("the ECG is constant, or has NaN or infinity", hint="the file is damaged")
    sections = butter(2, _QRS_BAND_HZ, "bandpass", fs=rate_hz, output="sos")
    filtered = np.asarray(sosfiltfilt(sections, ecg - ecg[0]), np.float64)
    slope = np.gradient(filtered)
    energy = np.sqrt(uniform_filter1d(slope * slope, max(1, round(_ENERGY_S * rate_hz))))

    block = round(_LEVEL_BLOCK_S * rate_hz)
    blocks = energy[: energy.size // block * block].reshape(-1, block).max(axis=1)
    level = median_filter(blocks, _LEVEL_BLOCKS, mode="nearest")
    centres = (np.arange(level.size) + 0.5) * block
    threshold = _LEVEL_FRACTION * np.interp(np.arange(energy.size), centres, level)
    candidates, _ = find_peaks(energy, height=threshold, distance=round(_REFRACTORY_S * rate_hz))
    return _refine(filtered, candidates, round(_SEARCH_S * rate_hz)) / rate_hz


def _refine(filtered: NDArray[np.float64], candidates: NDArray[np.intp], reach: int) -> NDArray[np.float64]:
    inside = candidates[(candidates > reach) & (candidates < filtered.size - reach - 1)]
    if not inside.size:
        return np.empty(0, np.float64)
    around = filtered[inside[:, None] + np.arange(-reach, reach + 1)]
    polarity = 1.0 if np.median(around.max(axis=1)) >= np.median(-around.min(axis=1)) else -1.0
    upright = polarity * filtered
    peak = inside - reach + (polarity * around).argmax(axis=1)
    before, at, after = upright[peak - 1], upright[peak], upright[peak + 1]
    curvature = before - 2.0 * at + after
    bent = curvature < 0.0
    shift = np.where(bent, 0.5 * (before - after) / np.where(bent, curvature, 1.0), 0.0)
    return np.unique(peak + np.clip(shift, -0.5, 0.5))


def window_heart_rates(beats_s: NDArray[np.float64], windows: int) -> NDArray[np.float32]:
    """Heart rate in BPM of `windows` windows of 8 s, one every 2 s; NaN where the beats do not allow one.

    Args:
        beats_s: times of the R peaks in seconds from the start of the recording, rising.
        windows: number of windows.
    """
    hr = np.full(windows, np.nan, np.float32)
    intervals = np.diff(beats_s)
    numbers = np.arange(beats_s.size, dtype=np.float64)
    for window in range(windows):
        start, end = float(window * STRIDE_S), float(window * STRIDE_S + WINDOW_S)
        first = int(np.searchsorted(beats_s, start, "right")) - 1
        last = int(np.searchsorted(beats_s, end, "left"))
        if first < 0 or last >= beats_s.size:
            continue
        inside = intervals[first:last]
        if inside.size >= _FEWEST_INTERVALS and _plausible(inside):
            begun, ended = np.interp([start, end], beats_s, numbers)
            hr[window] = (ended - begun) * 60.0 / WINDOW_S
    return hr


def _plausible(intervals_s: NDArray[np.float64]) -> bool:
    middle = float(np.median(intervals_s))
    shortest, longest = float(intervals_s.min()), float(intervals_s.max())
    return shortest >= max(_SHORTEST_RR_S, middle / _LARGEST_RR_RATIO) and longest <= min(
        _LONGEST_RR_S, middle * _LARGEST_RR_RATIO
    )


def heart_rates(ecg: NDArray[np.float64], rate_hz: int, windows: int) -> NDArray[np.float32]:
    """Heart rates of `windows` windows from an ECG that starts with the recording.

    The ends are lenient by construction: a window needs a beat before its start and one after its end, so the first
    window of a recording often has no reference.

    Raises:
        InputError: see `r_peaks`.
    """
    return window_heart_rates(r_peaks(ecg, rate_hz), windows)
