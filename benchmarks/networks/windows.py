"""Windows to stream through a network: signals like those it was calibrated on, and codes no signal would give."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph


def smooth(noise: NDArray[np.float64]) -> NDArray[np.float32]:
    """Noise (N, *shape) of unit deviation in which neighbours along the longest axis are alike, as in signals."""
    axis = 1 + int(np.argmax(noise.shape[1:]))
    summed = noise + np.roll(noise, 1, axis) + np.roll(noise, 2, axis)
    return np.asarray(summed / summed.std(), np.float32)


def benchmark_windows(graph: Graph, count: int, seed: int = 1) -> NDArray[np.float32]:
    """(count, *input shape without batch): smooth noise, of which the last window is replaced by random codes."""
    rng = np.random.default_rng(seed)
    shape = (count, *graph.input.shape[1:])
    windows = smooth(rng.standard_normal(shape))
    codes = rng.integers(-128, 128, shape[1:])
    windows[-1] = (codes - graph.input.zero_point) * graph.input.scale
    return windows
