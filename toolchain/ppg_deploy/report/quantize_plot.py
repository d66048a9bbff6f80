"""The operator report of quantize.json as a picture."""

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.handover import ActivationFacts, OperatorFacts, QuantizeReport, WhatIfFacts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_INCHES = 13.0
_INCHES_PER_ROW = 0.24
_PNG_DPI = 110
# The same report gives the same bytes: no date, fixed element ids, text as text.
_SETTINGS = {"svg.hashsalt": "ppg-deploy", "svg.fonttype": "none", "font.size": 8.0}
_MUTED, _STRONG, _ALARM = "#b8c4d6", "#33507f", "#c0392b"


def require_matplotlib() -> None:
    """Raise EnvironmentProblem when matplotlib is missing; called before the work whose result is to be plotted."""
    if find_spec("matplotlib") is None:
        raise EnvironmentProblem(
            "matplotlib, which draws --plot, is not installed", hint='pip install "ppg-deploy[plot]"'
        )


def plot_report(report: QuantizeReport) -> dict[str, bytes]:
    """The picture by file suffix: ".png" and ".svg". Needs no display."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    with matplotlib.rc_context(_SETTINGS):
        figure = _draw(report)
        png, svg = io.BytesIO(), io.BytesIO()
        FigureCanvasAgg(figure).print_figure(png, format="png", dpi=_PNG_DPI)
        FigureCanvasSVG(figure).print_figure(svg, format="svg", metadata={"Date": None})
    return {".png": png.getvalue(), ".svg": svg.getvalue()}


def _draw(report: QuantizeReport) -> "Figure":
    from matplotlib.figure import Figure

    rows: list[tuple[str, ActivationFacts]] = [("input", report.input_activation)]
    rows += [(f"{facts.index} {facts.kind}", facts) for facts in report.operators]
    height = 1.6 + _INCHES_PER_ROW * len(rows)
    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    figure.suptitle(_title(report))
    noise, clipped, ranges, what_if = figure.subplots(1, 4, sharey=True, width_ratios=[3, 2, 3, 3])
    facts = [row for _, row in rows]
    _draw_noise(noise, facts)
    _draw_clipped(clipped, facts)
    _draw_ranges(ranges, facts)
    _draw_what_if(what_if, facts, report.accuracy.unit)
    noise.set_yticks(range(len(rows)), [label for label, _ in rows])
    noise.invert_yaxis()
    return figure


def _title(report: QuantizeReport) -> str:
    accuracy = report.accuracy
    name = report.card.name if report.card is not None else report.model.file.path.rsplit("/", 1)[-1]
    kind = "int16x8" if report.activations == "int16" else "int8"
    parts = [f"{name}, {kind} by {report.calibration.method}"]
    if accuracy.mae_float is not None and accuracy.mae_int8 is not None:
        parts.append(f"MAE float {accuracy.mae_float:.2f}, {kind} {accuracy.mae_int8:.2f} BPM")
    parts.append(f"gate: {report.gate.verdict}")
    return f"{'; '.join(parts)} ({report.report_windows} of {accuracy.windows} windows below)"


def _draw_noise(axes: "Axes", facts: list[ActivationFacts]) -> None:
    whole = [row.sqnr_db or 0.0 for row in facts]
    own = [(row.own_sqnr_db if isinstance(row, OperatorFacts) else None) or 0.0 for row in facts]
    places = range(len(facts))
    axes.barh(places, own, height=0.8, color=_MUTED, label="noise of its own")
    axes.barh(places, whole, height=0.4, color=_STRONG, label="all noise so far")
    axes.set_title("SQNR, dB")
    axes.legend(loc="upper right", fontsize=7)
    axes.margins(x=0.3)


def _draw_clipped(axes: "Axes", facts: list[ActivationFacts]) -> None:
    axes.barh(range(len(facts)), [100.0 * row.clipped for row in facts], color=_STRONG)
    axes.set_title("clipped codes, %")


def _draw_ranges(axes: "Axes", facts: list[ActivationFacts]) -> None:
    """Both ranges as a share of the calibrated width, zero at zero."""
    for place, row in enumerate(facts):
        low, high = row.range_calibrated
        width = high - low
        axes.barh(place, 1.0, left=low / width, height=0.8, color=_MUTED)
        used_low, used_high = (value / width for value in row.range_used)
        beyond = row.range_used[0] < low - width / 255.0 or row.range_used[1] > high + width / 255.0
        axes.plot([used_low, used_high], [place, place], color=_ALARM if beyond else _STRONG, linewidth=2.0)
    axes.set_title("range: calibrated, used")
    axes.set_xlabel("share of the calibrated range (line: used; red: beyond)")


def _draw_what_if(axes: "Axes", facts: list[ActivationFacts], unit: str) -> None:
    changes = [row.what_if_float or WhatIfFacts(mae=None, mean_abs_difference=0.0) for row in facts]
    places = [float(place) for place in range(len(facts))]
    axes.barh(
        [place - 0.2 for place in places],
        [change.mean_abs_difference for change in changes],
        height=0.4,
        color=_STRONG,
        label="mean |int8 - float|",
    )
    axes.barh(
        [place + 0.2 for place in places],
        [change.mae or 0.0 for change in changes],
        height=0.4,
        color=_MUTED,
        label="MAE",
    )
    axes.axvline(0.0, color="black", linewidth=0.5)
    axes.set_title("what if it stayed float")
    axes.set_xlabel(f"change in {unit}; left is better")
    axes.legend(loc="lower right", fontsize=7)
