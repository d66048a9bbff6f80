"""Pictures of predicted against reference heart rate."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ppg_deploy.results.agreement import Band, BlandAltman
from ppg_deploy.results.page.svg import Picture, Scale, widened

Floats = NDArray[np.float64]

_WIDTH = 960.0
_LEFT, _RIGHT = 60.0, 940.0
# Beyond this many the page would grow by more than a hundred kilobytes.
MOST_WINDOWS = 1_200
MOST_DOTS = 3_000
_FEWEST_UNITS_PER_NAME = 46.0


def heart_rate_over_time(
    predicted: Floats, reference: Floats, subject: NDArray[np.str_] | None, starts: Sequence[int]
) -> Markup:
    """Both heart rates window after window.

    Args:
        predicted: (N,) BPM.
        reference: (N,) BPM.
        subject: (N,) whose window it is, if that is known.
        starts: windows with which a recording begins, 0 among them.
    """
    top, bottom = 36.0, 296.0
    shown = min(len(reference), MOST_WINDOWS)
    both = np.concatenate([predicted[:shown], reference[:shown]])
    low, high = widened(float(both.min()), float(both.max()))
    error = np.abs(predicted - reference)
    picture = Picture(
        _WIDTH,
        bottom + 64.0,
        "Predicted and reference heart rate",
        f"{shown} of {len(reference)} windows in {len(starts)} recordings; reference between {reference.min():.0f} "
        f"and {reference.max():.0f} BPM, largest error {error.max():.1f} BPM.",
    )
    across = Scale(-0.5, shown - 0.5, _LEFT, _RIGHT)
    up = Scale(low, high, bottom, top)
    picture.y_axis(up, _LEFT, _RIGHT, "BPM")
    breaks = [start for start in starts if start < shown]
    _recordings(picture, across, breaks, shown, subject, top, bottom)
    for first, last in zip(breaks, [*breaks[1:], shown], strict=True):
        rows = range(first, last)
        picture.path([(across(row), up(reference[row])) for row in rows], "reference")
        if len(rows) == 1:
            picture.dots([(across(first), up(reference[first]))], "reference-dots")
    picture.dots([(across(row), up(predicted[row])) for row in range(shown)], "predicted")
    picture.line(_RIGHT - 268.0, 12.0, _RIGHT - 244.0, 12.0, "reference")
    picture.text(_RIGHT - 238.0, 16.0, "reference", "legend")
    picture.dots([(_RIGHT - 138.0, 12.0)], "predicted", 3.0)
    picture.text(_RIGHT - 128.0, 16.0, "device's answer", "legend")
    return picture.markup()


def _recordings(
    picture: Picture,
    across: Scale,
    breaks: Sequence[int],
    shown: int,
    subject: NDArray[np.str_] | None,
    top: float,
    bottom: float,
) -> None:
    marks = [0] if len(breaks) > 1 else list(range(0, shown, max(1, shown // 8)))
    picture.x_axis(
        across,
        bottom,
        bottom,
        "window, in file order; lines part recordings",
        [float(mark) for mark in marks],
    )
    occupied = -np.inf
    for first, last in zip(breaks, [*breaks[1:], shown], strict=True):
        if first:
            picture.line(across(first - 0.5), bottom, across(first - 0.5), top, "part-line")
            if across(first) - max(occupied, across(0)) > _FEWEST_UNITS_PER_NAME:
                picture.text(across(first), bottom + 18.0, f"{first:,}", "tick", "middle")
                occupied = across(first)
        width = across(last) - across(first)
        if subject is not None and width >= 6.2 * len(str(subject[first])):
            picture.text((across(first) + across(last)) / 2, top - 6.0, str(subject[first]), "tick", "middle")


def bland_altman_plot(agreement: BlandAltman) -> Markup:
    """Difference against mean, with bias and limits of agreement."""
    top, bottom, right = 36.0, 306.0, _RIGHT - 150.0
    count = len(agreement.mean)
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST_DOTS)).round().astype(int))
    low, high = widened(
        min(float(agreement.difference.min()), agreement.lower),
        max(float(agreement.difference.max()), agreement.upper),
    )
    picture = Picture(
        _WIDTH,
        bottom + 52.0,
        "Bland-Altman plot",
        f"{count} windows, bias {agreement.bias:+.2f} BPM, 95 % limits of agreement {agreement.lower:+.2f} and "
        f"{agreement.upper:+.2f} BPM.",
    )
    across = Scale(*widened(float(agreement.mean.min()), float(agreement.mean.max())), _LEFT, right)
    up = Scale(low, high, bottom, top)
    picture.y_axis(up, _LEFT, right, "device - reference, BPM")
    picture.x_axis(across, bottom, top, "mean of device and reference, BPM")
    picture.dots([(across(agreement.mean[row]), up(agreement.difference[row])) for row in rows], "agreement")
    # Labels that would touch move apart; the lines stay where they are.
    levels = ((agreement.upper, "+1.96 SD"), (agreement.bias, "bias"), (agreement.lower, "-1.96 SD"))
    before = -np.inf
    for value, name in levels:
        picture.line(_LEFT, up(value), right, up(value), "bias" if name == "bias" else "limit")
        y = max(up(value) + 4.0, before + 15.0)
        before = y
        picture.text(right + 8.0, y, f"{name}  {value:+.2f}", "marker-left")
    return picture.markup()


def error_bars(bands: Sequence[Band]) -> Markup:
    """Mean absolute error by band of the reference, with the number of windows."""
    top, bottom = 40.0, 236.0
    filled = [band for band in bands if band.mae is not None]
    picture = Picture(
        _WIDTH,
        bottom + 62.0,
        "Error by band of heart rate",
        "; ".join(f"{band.label} BPM: {band.mae:.2f} BPM over {band.windows} windows" for band in filled)
        + ".",
    )
    up = Scale(0.0, max(band.mae or 0.0 for band in filled) * 1.15 or 1.0, bottom, top)
    picture.y_axis(up, _LEFT, _RIGHT, "mean absolute error, BPM")
    width = (_RIGHT - _LEFT) / len(bands)
    for number, band in enumerate(bands):
        centre = _LEFT + (number + 0.5) * width
        if band.mae is not None:
            picture.box(
                centre - width * 0.3,
                up(band.mae),
                width * 0.6,
                bottom - up(band.mae),
                "bar",
                f"{band.label} BPM: {band.mae:.2f} BPM",
            )
            picture.text(centre, up(band.mae) - 6.0, f"{band.mae:.2f}", "figure", "middle")
        picture.text(centre, bottom + 18.0, band.label, "name", "middle")
        count = f"{band.windows:,} window{'' if band.windows == 1 else 's'}"
        picture.text(centre, bottom + 35.0, count, "tick", "middle")
    picture.line(_LEFT, bottom, _RIGHT, bottom, "axis")
    picture.text((_LEFT + _RIGHT) / 2, bottom + 56.0, "reference heart rate, BPM", "label", "middle")
    return picture.markup()
