"""Bootstrap confidence interval of a mean over windows that come in groups (subjects)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
LEVEL = 0.95
RESAMPLES = 2000
SEED = 0
# One minute at a stride of 2 s: far longer than the overlap of windows and the time an artefact lasts.
BLOCK_WINDOWS = 30


@dataclass(frozen=True)
class Interval:
    """Percentile interval of the mean.

    Attributes:
        low: lower limit.
        high: upper limit.
        over: what was drawn with replacement.
        units: how many of them there are.
    """

    low: float
    high: float
    over: Literal["subjects", "blocks of windows"]
    units: int


def bootstrap_interval(values: Numbers, subject: NDArray[np.str_] | None) -> Interval | None:
    """95 % interval of the mean of values (N,), one per window in file order.

    Whole subjects are drawn, because windows of one subject resemble each other. With one subject, or without names,
    blocks of 30 successive windows are drawn instead; that says nothing about other people. None with one block.
    """
    over: Literal["subjects", "blocks of windows"] = "subjects"
    names = np.zeros(len(values), np.intp) if subject is None else np.unique(subject, return_inverse=True)[1]
    if names.max() == 0:
        over = "blocks of windows"
        names = np.arange(len(values)) // BLOCK_WINDOWS
    units = int(names.max()) + 1
    if units < 2:
        return None
    sums = np.bincount(names, weights=values)
    counts = np.bincount(names)
    drawn = np.random.default_rng(SEED).integers(0, units, (RESAMPLES, units))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return Interval(float(low), float(high), over, units)
