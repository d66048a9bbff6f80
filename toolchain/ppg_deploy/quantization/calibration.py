"""The range of every activation over the calibration windows (min/max)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph
from ppg_deploy.graph.float_reference import run_float

Floats = NDArray[np.float32]
Range = tuple[float, float]
MAX_WINDOWS = 400


@dataclass(frozen=True)
class Calibration:
    """Smallest and largest value of each activation, by tensor name, over `windows` windows."""

    windows: int
    ranges: Mapping[str, Range]


def spread_rows(hr: Floats | None, count: int) -> NDArray[np.intp]:
    """Rows of at most MAX_WINDOWS windows: spread over the heart-rate range, else over the file.

    Every window is taken when there are few enough. Order of the file is kept.
    """
    order = np.arange(count) if hr is None else np.argsort(hr, kind="stable")
    if count > MAX_WINDOWS:
        order = order[np.linspace(0, count - 1, MAX_WINDOWS).round().astype(np.intp)]
    return np.sort(order)


def calibrate(graph: Graph, x: Floats) -> Calibration:
    """Run the float graph over windows (N, *graph input shape without batch) and note each range."""
    lowest: dict[str, float] = {}
    highest: dict[str, float] = {}
    for values in run_float(graph, x):
        for name, activation in values.items():
            lowest[name] = min(lowest.get(name, np.inf), float(activation.min()))
            highest[name] = max(highest.get(name, -np.inf), float(activation.max()))
    return Calibration(len(x), {name: (lowest[name], highest[name]) for name in lowest})
