"""Histograms of activations, and the clipped ranges that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph
from ppg_deploy.graph.float_reference import run_float
from ppg_deploy.quantization.calibration import Range

Floats = NDArray[np.float32]
BINS = 2048
INT8_STEPS = 255
INT16_STEPS = 65535
_RATIOS = np.arange(100, 19, -1) / 100.0


@dataclass(frozen=True)
class TensorHistogram:
    """Equally wide bins over the values of one activation.

    Attributes:
        low: lower edge of the first bin.
        high: upper edge of the last bin.
        counts: values in each bin.
        zeros: how many values are exactly zero; they are in `counts`, too.
    """

    low: float
    high: float
    counts: NDArray[np.int64]
    zeros: int

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middle of each bin."""
        width = (self.high - self.low) / len(self.counts)
        return np.asarray(self.low + width * (np.arange(len(self.counts)) + 0.5), np.float64)


def collect_histograms(graph: Graph, x: Floats, ranges: Mapping[str, Range]) -> dict[str, TensorHistogram]:
    """A histogram of each activation over windows (N, *graph input shape without batch).

    Second of two passes: `ranges` are the smallest and largest values found by `calibrate` on the same windows,
    so that memory does not grow with the number of windows.
    """
    counts = {name: np.zeros(BINS, np.int64) for name in ranges}
    zeros = dict.fromkeys(ranges, 0)
    for values in run_float(graph, x):
        for name, activation in values.items():
            counts[name] += np.bincount(_bins(activation, *ranges[name], BINS), minlength=BINS)
            zeros[name] += int(np.count_nonzero(activation == 0.0))
    return {name: TensorHistogram(*ranges[name], counts[name], zeros[name]) for name in ranges}


def _bins(values: Floats, low: float, high: float, bins: int) -> NDArray[np.intp]:
    if high <= low:
        return np.zeros(values.size, np.intp)
    positions = (values.reshape(-1) - np.float32(low)) * np.float32(bins / (high - low))
    return np.asarray(np.clip(positions, 0, bins - 1), np.intp)


def percentile_range(histogram: TensorHistogram, percentile: float) -> Range:
    """The values below which (100 - percentile) % and `percentile` % of all values lie, linear within a bin."""
    edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    shares = np.concatenate([[0.0], np.cumsum(histogram.counts) / histogram.counts.sum()])
    low, high = np.interp([1.0 - percentile / 100.0, percentile / 100.0], shares, edges)
    # np.interp takes the last of equal shares; at 100 % that would cut off empty bins, never the highest value.
    return (histogram.low, histogram.high) if percentile >= 100.0 else (float(low), float(high))


def mse_range(histogram: TensorHistogram, steps: int = INT8_STEPS) -> Range:
    """The range, among shrunken copies of the whole one, with the smallest mean square error in codes.

    A value inside contributes step^2 / 12, one outside its squared distance from the range, an exact zero nothing
    because codes represent it. Ratios of 1.00 down to 0.20 in steps of 0.01; the widest of equals wins.

    Args:
        histogram: values of the activation.
        steps: of the code: highest minus lowest.
    """
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    if low == high:
        return (low, high)
    counts = histogram.counts.astype(np.float64)
    centres = histogram.centres
    zero_bin = _bins(np.zeros(1, np.float32), histogram.low, histogram.high, len(counts))[0]
    counts[zero_bin] -= histogram.zeros
    lows, highs = (_RATIOS * low)[:, None], (_RATIOS * high)[:, None]
    outside = np.maximum(np.maximum(centres - highs, lows - centres), 0.0)
    widths = (highs - lows) / steps
    errors = (np.where(outside > 0.0, np.square(outside), np.square(widths) / 12.0) * counts).sum(axis=1)
    ratio = float(_RATIOS[int(errors.argmin())])
    return (ratio * low, ratio * high)
