"""Another sampling rate for single windows, by a windowed sinc."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
# As in scipy.signal.resample_poly: ten zero crossings on either side, Kaiser window of beta 5.
_CROSSINGS = 10.0
_BETA = 5.0


def resampled(signals: Floats, samples: int) -> Floats:
    """(N, C, T) to (N, C, samples) over the same time; the first and last value go on beyond the edges.

    Zero-phase; frequencies above the lower of both Nyquist rates are cut off.
    """
    if signals.shape[-1] == samples:
        return signals
    return np.asarray(signals.astype(np.float64) @ _weights(signals.shape[-1], samples), np.float32)


def _weights(before: int, after: int) -> NDArray[np.float64]:
    """(before, after): the share of each old sample in each new one."""
    cutoff = min(1.0, after / before)
    reach = _CROSSINGS / cutoff
    positions = np.arange(after) * before / after
    margin = int(np.ceil(reach))
    old = np.arange(-margin, before + margin)
    distance = positions[None, :] - old[:, None]
    inside = np.clip(1.0 - (distance / reach) ** 2, 0.0, None)
    kernel = np.sinc(cutoff * distance) * np.i0(_BETA * np.sqrt(inside)) * (np.abs(distance) <= reach)
    kernel /= kernel.sum(axis=0)
    folded = np.zeros((before, after))
    np.add.at(folded, np.clip(old, 0, before - 1), kernel)
    return folded
