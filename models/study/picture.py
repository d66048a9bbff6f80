"""The picture of a study: error against size with the fitted curves, and error against cycles with the Pareto front."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.study.costs import Cost
from models.study.joining import Joined, join, mean_error
from models.study.labels import place_labels
from models.study.scaling import Curve, NoCurve
from models.study.summary import GroupSummary, Measure, summarise
from models.study.table import StudyRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE = "study"
_INCHES, _HALF_INCHES, _DPI = (12.0, 5.6), (6.5, 5.6), 100
# As ppg_deploy/matrix/plots.py: the same study gives the same bytes, and text stays text.
_SETTINGS = {"svg.hashsalt": "ppg-deploy", "svg.fonttype": "none", "font.size": 9.0}
# Told apart by people with any colour vision (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = "osD^vP*Xh<>"
_GREY = "#555555"
_ERRORS: dict[Measure, str] = {
    "mae_int8": "mean absolute error of the int8 model, BPM",
    "mae_float": "mean absolute error of the float model, BPM",
}
_Side = tuple[str | None, str]


@dataclass(frozen=True)
class _Style:
    """Colours by (teacher, strategy), names of these, and markers by student."""

    colours: dict[_Side, str]
    names: dict[_Side, str]
    markers: dict[str, str]


def draw_study(
    rows: Sequence[StudyRow],
    curves: Sequence[Curve | NoCurve],
    costs: Sequence[Cost],
    measure: Measure = "mae_int8",
) -> dict[str, bytes]:
    """The picture by file suffix, ".png" (1200 pixels wide) and ".svg". Needs matplotlib, but no display.

    Raises:
        InputError: as `summarise`.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with matplotlib.rc_context(_SETTINGS):
        figure = study_figure(rows, curves, costs, measure)
        png, svg = io.BytesIO(), io.BytesIO()
        FigureCanvasAgg(figure).print_figure(png, format="png", dpi=_DPI)
        FigureCanvasSVG(figure).print_figure(svg, format="svg", metadata={"Date": None})
    return {".png": png.getvalue(), ".svg": svg.getvalue()}


def study_figure(
    rows: Sequence[StudyRow],
    curves: Sequence[Curve | NoCurve],
    costs: Sequence[Cost],
    measure: Measure = "mae_int8",
) -> "Figure":
    """The figure itself. Without a network that has cycles_estimated it is the left half alone."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    summaries = summarise(rows)
    style = _style_of(summaries)
    points = _best_covered(join(summaries, costs, measure))
    figure = Figure(figsize=_INCHES if points else _HALF_INCHES, dpi=_DPI, layout="constrained")
    # Labels are placed by their size in pixels.
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if points else 1, squeeze=False).flatten()
    _draw_sizes(panels[0], rows, summaries, curves, style, measure)
    if points:
        _draw_cycles(panels[1], points, style, measure)
    _add_legend(figure, style)
    if points:
        places: dict[str, tuple[float, float]] = {}
        for point in sorted(points, key=lambda point: mean_error(point.summary, measure).mean):
            error = mean_error(point.summary, measure).mean
            places.setdefault(point.summary.student, (point.cost.cycles_estimated or 0.0, error))
        marks = [(p.cost.cycles_estimated or 0.0, mean_error(p.summary, measure).mean) for p in points]
        place_labels(figure, panels[1], places, marks)
    return figure


def _style_of(summaries: Sequence[GroupSummary]) -> _Style:
    sides = list(dict.fromkeys((summary.teacher, summary.strategy) for summary in summaries))
    teachers = Counter(strategy for _, strategy in sides)
    return _Style(
        {side: _COLOURS[index % len(_COLOURS)] for index, side in enumerate(sides)},
        {
            (teacher, strategy): strategy if teachers[strategy] == 1 else f"{strategy} ({teacher})"
            for teacher, strategy in sides
        },
        {
            student: _MARKERS[index % len(_MARKERS)]
            for index, student in enumerate(dict.fromkeys(summary.student for summary in summaries))
        },
    )


def _best_covered(joined: Sequence[Joined]) -> list[Joined]:
    """The points of the board and level with the most of them; the first such. Others stand in the table."""
    groups: dict[tuple[str, str, str | None], list[Joined]] = {}
    for point in joined:
        if point.cost.cycles_estimated is not None:
            cost = point.cost
            groups.setdefault((cost.board, cost.optimize, cost.timing_model), []).append(point)
    return max(groups.values(), key=len, default=[])


def _draw_sizes(
    panel: "Axes",
    rows: Sequence[StudyRow],
    summaries: Sequence[GroupSummary],
    curves: Sequence[Curve | NoCurve],
    style: _Style,
    measure: Measure,
) -> None:
    for summary in summaries:
        spread, colour = mean_error(summary, measure), style.colours[summary.teacher, summary.strategy]
        key = (summary.student, summary.teacher, summary.strategy)
        errors = [getattr(row, measure) for row in rows if (row.student, row.teacher, row.strategy) == key]
        panel.plot(
            [summary.parameters] * len(errors),
            errors,
            style.markers[summary.student],
            color=colour,
            markersize=3.0,
            alpha=0.35,
            markeredgewidth=0.0,
            gid="replicates",
        )
        panel.errorbar(
            summary.parameters,
            spread.mean,
            yerr=spread.std,
            fmt=style.markers[summary.student],
            color=colour,
            markersize=7.0,
            capsize=3.0,
            elinewidth=1.0,
        )
    for curve in curves:
        if isinstance(curve, Curve):
            colour, band = style.colours[curve.teacher, curve.strategy], curve.band
            panel.plot(
                band.sizes,
                band.curve,
                color=colour,
                linewidth=1.4,
                linestyle="-" if curve.determined else "--",
                gid="curve",
            )
            if band.low is not None and band.high is not None:
                panel.fill_between(
                    band.sizes, band.low, band.high, color=colour, alpha=0.12, linewidth=0.0, gid="band"
                )
    panel.set_xscale("log")
    panel.set_xlabel("parameters of the student")
    panel.set_ylabel(_ERRORS[measure])
    panel.set_title(
        "means and standard deviations over splits and seeds; shaded: 95 % of the curve;\n"
        "dashed: its parameters are not determined",
        fontsize=8,
    )
    panel.grid(alpha=0.3, linewidth=0.5)


def _draw_cycles(panel: "Axes", points: Sequence[Joined], style: _Style, measure: Measure) -> None:
    front = []
    for point in points:
        spread, cycles = mean_error(point.summary, measure), point.cost.cycles_estimated or 0.0
        panel.errorbar(
            cycles,
            spread.mean,
            yerr=spread.std,
            fmt=style.markers[point.summary.student],
            color=style.colours[point.summary.teacher, point.summary.strategy],
            markersize=7.0,
            elinewidth=0.6,
        )
        if point.on_front:
            front.append((cycles, spread.mean))
    front.sort()
    across, down = zip(*front, strict=True)
    panel.step(across, down, where="post", color=_GREY, linewidth=0.8, zorder=0, gid="front")
    panel.plot(
        across, down, "o", markersize=13, markerfacecolor="none", markeredgecolor=_GREY, gid="front-members"
    )
    cost = points[0].cost
    panel.set_xscale("log")
    panel.set_xlabel(f"cycles_estimated per window (timing model {cost.timing_model})")
    panel.set_ylabel(_ERRORS[measure])
    panel.set_title(
        f"{cost.board}, {cost.optimize}; rings and line: Pareto front of the means;\nlower left is better",
        fontsize=8,
    )
    panel.margins(0.15)
    panel.grid(alpha=0.3, linewidth=0.5)


def _add_legend(figure: "Figure", style: _Style) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour, label=style.names[side])
        for side, colour in style.colours.items()
    ] + [
        Line2D([], [], marker=marker, linestyle="none", color=_GREY, markerfacecolor="none", label=student)
        for student, marker in style.markers.items()
    ]
    wide = len(figure.axes) == 2
    figure.legend(
        handles=handles, loc="outside lower center", ncols=7 if wide else 4, fontsize=8, frameon=False
    )
