"""The points of a sweep as a picture: accuracy against every cost, with the Pareto fronts."""

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ppg_deploy.matrix.fronts import AXES, groups_of
from ppg_deploy.matrix.schema import AccuracyAxis, Axis, MatrixReport, PointRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELS: dict[Axis, str] = {
    "instructions": "instructions per answer (exact)",
    "cycles_estimated": "cycles_estimated per answer",
    "latency_ms": "latency per answer, ms (measured)",
    "energy_estimated_uj": "energy_estimated per answer, µJ",
    "flash": "flash, kB",
    "ram": "RAM, kB",
}
_SCALES: dict[Axis, float] = {"flash": 1e-3, "ram": 1e-3}
_ACCURACY: dict[AccuracyAxis, str] = {
    "mae_int8": "MAE on the device, BPM",
    "mean_abs_difference": "mean |quantised - float|",
}
_MOST_COLUMNS = 3
_INCHES = (4.6, 3.6)
_LEGEND_INCHES = 0.35
_PNG_DPI = 110
# The same report gives the same bytes: no date, fixed element ids, text as text.
_SETTINGS = {"svg.hashsalt": "ppg-deploy", "svg.fonttype": "none", "font.size": 8.0}
# Told apart by people with any colour vision (Okabe and Ito).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_FRONT = "#555555"
_MARKERS = "osD^vP*Xh<>"


def can_plot() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def plot_points(report: MatrixReport) -> dict[str, bytes]:
    """The picture by file suffix: ".png" and ".svg"; empty when no point has an accuracy. Needs no display."""
    if report.accuracy is None:
        return {}
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with matplotlib.rc_context(_SETTINGS):
        figure = _draw(report, report.accuracy)
        png, svg = io.BytesIO(), io.BytesIO()
        FigureCanvasAgg(figure).print_figure(png, format="png", dpi=_PNG_DPI)
        FigureCanvasSVG(figure).print_figure(svg, format="svg", metadata={"Date": None})
    return {".png": png.getvalue(), ".svg": svg.getvalue()}


def _draw(report: MatrixReport, accuracy: AccuracyAxis) -> "Figure":
    from matplotlib.figure import Figure

    costs = [cost for cost in AXES if groups_of(report.points, accuracy, cost)]
    columns = 2 if len(costs) == 4 else min(_MOST_COLUMNS, len(costs))
    lines = -(-len(costs) // columns)
    figure = Figure(
        figsize=(_INCHES[0] * columns, _INCHES[1] * lines + 2 * _LEGEND_INCHES), layout="constrained"
    )
    panels = figure.subplots(lines, columns, squeeze=False).flatten()
    for panel in panels[len(costs) :]:
        panel.set_visible(False)
    for panel, cost in zip(panels, costs, strict=False):
        _draw_panel(panel, report, accuracy, cost)
    failed = len(report.failed)
    figure.suptitle(
        f"{report.name}: {len(report.points) - failed} points under {report.emulator}"
        + (f", {failed} failed" if failed else "")
        + "; lines: Pareto fronts; lower left is better"
    )
    _add_legend(figure, report.points)
    return figure


def _draw_panel(panel: "Axes", report: MatrixReport, accuracy: AccuracyAxis, cost: Axis) -> None:
    rows = {row.id: row for row in report.points}
    scale = _SCALES.get(cost, 1.0)
    places = {
        identity: (error, price * scale)
        for members in groups_of(report.points, accuracy, cost).values()
        for identity, (error, price) in members.items()
    }
    boards, markers = _boards(report.points), _markers(report.points)
    for identity, (error, price) in places.items():
        row = rows[identity]
        colour, size = boards[row.board]
        panel.plot(price, error, markers[row.model], color=colour, markersize=size, linestyle="none")
    for front in report.fronts:
        if front.cost == cost:
            _draw_front(panel, {identity: places[identity] for identity in front.points}, rows)
    groups = {front.group for front in report.fronts if front.cost == cost}
    panel.set_xlabel(_LABELS[cost])
    panel.set_ylabel(_ACCURACY[accuracy])
    if len(groups) > 1:
        panel.set_title(f"{len(groups)} groups that do not compare, a front each", fontsize=7)
    panel.margins(0.15)
    panel.grid(alpha=0.3, linewidth=0.5)


def _draw_front(
    panel: "Axes", places: Mapping[str, tuple[float, float]], rows: Mapping[str, PointRow]
) -> None:
    """`places` are (accuracy, cost), cheapest first."""
    errors, prices = zip(*places.values(), strict=True)
    panel.step(prices, errors, where="post", color=_FRONT, linewidth=0.8, zorder=0)
    panel.plot(prices, errors, "o", markersize=12, markerfacecolor="none", markeredgecolor=_FRONT)
    labels: dict[tuple[float, float], list[str]] = {}
    for identity, place in places.items():
        said = labels.setdefault(place, [])
        said += [label] if (label := variant_label(rows[identity])) not in said else []
    for (error, price), said in labels.items():
        panel.annotate(
            " / ".join(said), (price, error), textcoords="offset points", xytext=(7, 7), fontsize=6
        )


def variant_label(row: PointRow) -> str:
    """What a point is beside its model and board."""
    parts: list[str] = [row.runtime if row.optimize is None else row.optimize]
    parts += [f"hop {row.hop}"] if row.hop is not None else []
    parts += [f"RAM {row.ram_budget}"] if row.ram_budget is not None else []
    return ", ".join(parts)


def _boards(rows: Sequence[PointRow]) -> dict[str, tuple[str, float]]:
    """Colour and size of each: points of several boards often coincide, and then the smaller ones lie on top."""
    boards = list(dict.fromkeys(row.board for row in rows))
    return {
        board: (_COLOURS[index % len(_COLOURS)], 4.0 + 4.0 * (1.0 - (index + 1) / len(boards)))
        for index, board in enumerate(boards)
    }


def _markers(rows: Sequence[PointRow]) -> dict[str, str]:
    models = dict.fromkeys(row.model for row in rows)
    return {model: _MARKERS[index % len(_MARKERS)] for index, model in enumerate(models)}


def _add_legend(figure: "Figure", rows: Sequence[PointRow]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour, label=board)
        for board, (colour, _) in _boards(rows).items()
    ] + [
        Line2D([], [], marker=marker, linestyle="none", color=_FRONT, markerfacecolor="none", label=model)
        for model, marker in _markers(rows).items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=7, frameon=False)
