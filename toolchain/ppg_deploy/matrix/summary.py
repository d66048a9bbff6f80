"""From ended points to sweep.json and its plots."""

from datetime import UTC, datetime
from pathlib import Path

from ppg_deploy import files
from ppg_deploy.handover import NamedFile
from ppg_deploy.matrix.figures import figures_of
from ppg_deploy.matrix.fronts import accuracy_axis, fronts_of
from ppg_deploy.matrix.job import Outcome
from ppg_deploy.matrix.plots import can_plot, plot_points
from ppg_deploy.matrix.points import Point
from ppg_deploy.matrix.schema import Engine, Figures, MatrixReport, PointRow
from ppg_deploy.matrix.sweep_file import SweepFile
from ppg_deploy.versions import tool_versions

MATRIX_NAME = "sweep.json"
_PLOT = "pareto"
PLOT_NAMES = (f"{_PLOT}.png", f"{_PLOT}.svg")


def row_of(point: Point, outcome: Outcome, folder: Path) -> PointRow:
    """How `point` ended; `folder` is that of the sweep."""
    figures: Figures | None = None
    if outcome.error is None:
        assert outcome.result is not None
        figures = figures_of(point.folder, point.folder / outcome.result)
    place = point.folder.relative_to(folder)
    return PointRow(
        id=point.identity,
        model=point.model.entry.name,
        board=point.board,
        runtime=point.runtime,
        optimize=point.optimize,
        hop=point.hop,
        ram_budget=point.ram_budget,
        status="done" if outcome.error is None else "failed",
        error=outcome.error,
        folder=place.as_posix(),
        result=None if outcome.result is None else (place / outcome.result).as_posix(),
        wall_s=outcome.wall_s,
        figures=figures,
    )


def summarise_matrix(
    sweep: SweepFile, path: Path, engine: Engine, rows: tuple[PointRow, ...], taken_over: int
) -> MatrixReport:
    """Everything but the plots."""
    warnings = []
    found = [row.figures for row in rows if row.figures is not None]
    if len({figures.data_sha256 for figures in found}) > 1:
        warnings.append(
            "not all models were measured on the same windows: each windows file has fronts of its own"
        )
    accuracy = accuracy_axis(rows)
    if accuracy is not None and any(getattr(figures, accuracy) is None for figures in found):
        warnings.append(f"points without {accuracy} are on no front and in no plot")
    if found and accuracy is None:
        warnings.append("no labels and no comparison with float: no fronts and no plots")
    if not can_plot():
        warnings.append('matplotlib, which draws the plots, is not installed: pip install "ppg-deploy[plot]"')
    return MatrixReport(
        name=sweep.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sweep_file=NamedFile(path=str(path.resolve()), sha256=files.sha256_of_file(path)),
        engine=engine,
        emulator=sweep.bench.emulator,
        taken_over=taken_over,
        points=rows,
        accuracy=accuracy,
        fronts=fronts_of(rows),
        plots=(),
        warnings=tuple(warnings),
        tool_versions=tool_versions(),
    )


def write_matrix(report: MatrixReport, folder: Path) -> MatrixReport:
    """Write sweep.json and the plots into `folder`; the report then names them."""
    plots = plot_points(report) if can_plot() else {}
    for suffix, image in plots.items():
        files.write_bytes(folder / f"{_PLOT}{suffix}", image)
    whole = report.model_copy(update={"plots": tuple(sorted(f"{_PLOT}{suffix}" for suffix in plots))})
    files.write_text(folder / MATRIX_NAME, whole.model_dump_json(indent=2) + "\n")
    return whole
