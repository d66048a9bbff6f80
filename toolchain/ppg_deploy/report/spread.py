"""Distribution of one figure over inferences; the first inference stands apart."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict


class Spread(BaseModel):
    """`first` is the first inference; the others describe the rest (or the first, when it was the only one)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    count: int
    first: float
    min: float
    median: float
    p95: float
    p99: float | None = None
    """Null in reports of versions that did not have it."""
    max: float


def spread_of(values: Sequence[float]) -> Spread | None:
    """Statistics of the values in the order in which they were measured; None when there are none."""
    if not values:
        return None
    rest = np.array(values[1:] or values, np.float64)
    return Spread(
        count=len(values),
        first=float(values[0]),
        min=float(rest.min()),
        median=float(np.median(rest)),
        p95=float(np.percentile(rest, 95)),
        p99=float(np.percentile(rest, 99)),
        max=float(rest.max()),
    )
