"""Windows to stream through a network: signals like those it was calibrated on, and codes no signal would give."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph

_SIGNAL_CODES = 30
"""Standard deviation of a signal whose extremes, some four deviations away, just fit the codes."""


def smooth(noise: NDArray[np.float64]) -> NDArray[np.float32]:
    """Noise (N, *shape) of unit deviation in which neighbours along the longest axis are alike, as in signals."""
    axis = 1 + int(np.argmax(noise.shape[1:]))
    summed = noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
    return np.asarray(summed / summed.std(), np.float32)


def benchmark_windows(graph: Graph, count: int, seed: int = 1) -> NDArray[np.float32]:
    """(count, *input shape without batch): smooth noise, and random codes as the last window.

    The noise uses the input's codes as calibrated signals do, whatever its scale is.
    """
    rng = np.random.default_rng(seed)
    shape = (count, *graph.input.shape[1:])
    windows = smooth(rng.standard_normal(shape)) * np.float32(_SIGNAL_CODES * graph.input.scale)
    codes = rng.integers(-128, 128, shape[1:])
    windows[-1] = (codes - graph.input.zero_point) * graph.input.scale
    return windows
