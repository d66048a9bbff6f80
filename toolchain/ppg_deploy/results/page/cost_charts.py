"""Pictures of what inferences cost: their distribution, and each operator's share."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ppg_deploy.results.agreement import Distribution
from ppg_deploy.results.page.svg import Picture, Scale, ticks, widened

_WIDTH = 960.0
_MOST_BINS = 40
_ROW = 26.0
_NAMES = 330.0
_FIGURES = 150.0


def histogram(values: NDArray[np.float64], figures: Distribution, title: str, unit: str) -> Markup:
    """How often which value was seen, with median, 95th and 99th percentile marked."""
    left, right, top, bottom = 60.0, _WIDTH - 20.0, 46.0, 226.0
    low, high = widened(figures.minimum, figures.maximum)
    counts, edges = np.histogram(values, bins=_bins(values), range=(low, high))
    picture = Picture(
        _WIDTH,
        bottom + 50.0,
        title,
        f"{figures.count} inferences from {figures.minimum:,.6g} to {figures.maximum:,.6g} {unit}, "
        f"median {figures.median:,.6g}, 95th percentile {figures.p95:,.6g}, 99th {figures.p99:,.6g}.",
    )
    across = Scale(low, high, left, right)
    up = Scale(0.0, float(counts.max()) * 1.08, bottom, top)
    picture.y_axis(up, left, right, "inferences")
    marks = ticks(low, high)
    step = marks[1] - marks[0] if len(marks) > 1 else abs(high) or 1.0
    decimals = max(0, int(np.ceil(-np.log10(step))))
    picture.x_axis(across, bottom, bottom, unit, marks, write=lambda value: f"{value:,.{decimals}f}")
    for count, first, last in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            picture.box(
                across(first) + 0.5,
                up(float(count)),
                across(last) - across(first) - 1.0,
                bottom - up(float(count)),
                "bar",
                f"{count} of {figures.count}: {first:,.6g} to {last:,.6g} {unit}",
            )
    _percentiles(picture, across, figures, top, bottom)
    return picture.markup()


def _bins(values: NDArray[np.float64]) -> int:
    return int(np.clip(2 * np.sqrt(len(values)), 9, _MOST_BINS)) | 1


def _percentiles(picture: Picture, across: Scale, figures: Distribution, top: float, bottom: float) -> None:
    """Marks; a label that would touch the one before it goes a line higher, equal ones share a label."""
    values: dict[float, list[str]] = {}
    for name, value in (("p50", figures.median), ("p95", figures.p95), ("p99", figures.p99)):
        values.setdefault(across(value), []).append(name)
    occupied = -np.inf
    level = 0
    for x, names in sorted(values.items()):
        label = ", ".join(names)
        level = (level + 1) % 3 if x - occupied < 14.0 * len(names) + 20.0 else 0
        occupied = x
        picture.line(x, bottom, x, top - 4.0 - 13.0 * level, "mark")
        picture.text(x, top - 8.0 - 13.0 * level, label, "marker", "middle")


def operator_bars(rows: Sequence[tuple[str, float]], title: str, unit: str) -> Markup:
    """A bar a row, in the order given, with figure and share."""
    total = sum(value for _, value in rows) or 1.0
    largest = max(value for _, value in rows) or 1.0
    picture = Picture(
        _WIDTH,
        _ROW * len(rows) + 12.0,
        title,
        "; ".join(f"{name}: {value:,.0f} {unit}, {value / total:.1%}" for name, value in rows) + ".",
    )
    across = Scale(0.0, largest, _NAMES, _WIDTH - _FIGURES)
    for number, (name, value) in enumerate(rows):
        y = 4.0 + number * _ROW
        picture.text(_NAMES - 10.0, y + 15.0, name, "name", "end")
        picture.box(_NAMES, y + 2.0, across(value) - _NAMES, _ROW - 7.0, "bar", f"{value:,.0f} {unit}")
        picture.text(across(value) + 8.0, y + 15.0, f"{value:,.0f}  ({value / total:.1%})", "figure")
    return picture.markup()
