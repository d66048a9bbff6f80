"""How predicted heart rates agree with the reference: Bland-Altman and the error by band of heart rate."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BAND_EDGES_BPM = (0.0, 60.0, 80.0, 100.0, 120.0, 150.0, np.inf)
# Of a normal distribution 95 % lie within so many standard deviations (Bland and Altman, Lancet 1986: 2; 1.96 since).
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class BlandAltman:
    """Difference against mean, and the 95 % limits of agreement. All in BPM.

    Attributes:
        mean: (N,) of prediction and reference.
        difference: (N,) prediction minus reference.
        bias: mean difference.
        deviation: standard deviation of the differences (N - 1 in the denominator); 0 for a single one.
        lower: bias - 1.96 * deviation.
        upper: bias + 1.96 * deviation.
    """

    mean: Floats
    difference: Floats
    bias: float
    deviation: float
    lower: float
    upper: float


def bland_altman(predicted: Floats, reference: Floats) -> BlandAltman:
    """Agreement of `predicted` (N,) with `reference` (N,), N >= 1.

    Windows of one recording are not independent of each other, which these limits of agreement leave aside.
    """
    difference = predicted - reference
    bias = float(difference.mean())
    deviation = float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    return BlandAltman(
        mean=(predicted + reference) / 2.0,
        difference=difference,
        bias=bias,
        deviation=deviation,
        lower=bias - _NORMAL_95 * deviation,
        upper=bias + _NORMAL_95 * deviation,
    )


@dataclass(frozen=True)
class Band:
    """Error of the windows whose reference is at least `low` and below `high`, BPM; null where there is no window."""

    low: float
    high: float
    windows: int
    mae: float | None
    bias: float | None
    p95: float | None

    @property
    def label(self) -> str:
        """For axes and tables."""
        if self.low == 0.0:
            return f"below {self.high:g}"
        return f"{self.low:g} and above" if np.isinf(self.high) else f"{self.low:g} to {self.high:g}"


def error_by_band(
    predicted: Floats, reference: Floats, edges: tuple[float, ...] = BAND_EDGES_BPM
) -> tuple[Band, ...]:
    """One band between each two of `edges`, those without windows included."""
    bands = []
    for low, high in pairwise(edges):
        error = (predicted - reference)[(reference >= low) & (reference < high)]
        bands.append(
            Band(
                low=low,
                high=high,
                windows=len(error),
                mae=float(np.abs(error).mean()) if len(error) else None,
                bias=float(error.mean()) if len(error) else None,
                p95=float(np.percentile(np.abs(error), 95)) if len(error) else None,
            )
        )
    return tuple(bands)


@dataclass(frozen=True)
class Distribution:
    """Of N values; percentiles by linear interpolation between the two nearest."""

    count: int
    minimum: float
    median: float
    p95: float
    p99: float
    maximum: float


def distribution(values: Floats) -> Distribution:
    """Statistics of `values` (N,), N >= 1."""
    median, p95, p99 = np.percentile(values, (50, 95, 99))
    return Distribution(
        count=len(values),
        minimum=float(values.min()),
        median=float(median),
        p95=float(p95),
        p99=float(p99),
        maximum=float(values.max()),
    )
