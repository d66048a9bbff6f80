"""Picture of a measured supply current with the inferences in it."""

import numpy as np
from markupsafe import Markup

from ppg_deploy.results.page.svg import Picture, Scale
from ppg_deploy.results.trace import EnergyTrace, Floats

_WIDTH = 960.0
_LEFT, _RIGHT = 60.0, 940.0
_MOST_COLUMNS = 700
_MOST_GATES = 400


def energy_trace(trace: EnergyTrace) -> Markup:
    """Current over time, the lowest and highest of each column of the picture, with the gates shaded."""
    top, bottom = 36.0, 256.0
    milliamperes = trace.current_a * 1e3
    start, end = float(trace.time_s[0]), float(trace.time_s[-1])
    picture = Picture(
        _WIDTH,
        bottom + 52.0,
        "Supply current",
        f"{end - start:.3g} s at {trace.supply_v:g} V by {trace.instrument}: {milliamperes.min():.3g} to "
        f"{milliamperes.max():.3g} mA, {len(trace.gates_s)} inferences by {trace.gates_by}.",
    )
    across = Scale(start, end, _LEFT, _RIGHT)
    up = Scale(min(0.0, float(milliamperes.min())), float(milliamperes.max()) * 1.08 or 1.0, bottom, top)
    for first, last in trace.gates_s[:_MOST_GATES]:
        picture.box(across(first), top, across(last) - across(first), bottom - top, "gate")
    picture.y_axis(up, _LEFT, _RIGHT, "mA")
    picture.x_axis(across, bottom, bottom, "seconds")
    picture.path([(across(x), up(y)) for x, y in _envelope(trace.time_s, milliamperes)], "current")
    picture.box(_RIGHT - 120.0, 4.0, 14.0, 14.0, "gate")
    picture.text(_RIGHT - 100.0, 16.0, "one inference", "legend")
    return picture.markup()


def _envelope(time_s: Floats, values: Floats) -> list[tuple[float, float]]:
    """Every point of a short trace; of a long one lowest and highest of each stretch, in the order of time."""
    if len(values) <= 2 * _MOST_COLUMNS:
        return list(zip(time_s.tolist(), values.tolist(), strict=True))
    points = []
    for rows in np.array_split(np.arange(len(values)), _MOST_COLUMNS):
        part = values[rows]
        for row in sorted({int(rows[part.argmin()]), int(rows[part.argmax()])}):
            points.append((float(time_s[row]), float(values[row])))
    return points
