"""ppg-deploy sweep."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import Json, Out, Quiet, Verbose
from ppg_deploy.errors import IncompleteSweepError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ppg_deploy.matrix import Figures, MatrixReport, PointRow


def sweep(
    sweep_file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="What to combine with what.")],
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, help="Processes at a time on this machine. Default: one for each core."
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "dask"], typer.Option(help="dask: points on the workers of --scheduler.")
    ] = "local",
    scheduler: Annotated[
        str | None,
        typer.Option("--scheduler", metavar="ADDR", help="dask's scheduler, e.g. tcp://host:8786."),
    ] = None,
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Build and measure models x boards x runtimes x optimisation levels (OUT/sweep/); finished points are kept."""
    from ppg_deploy import api

    output = Output(quiet, verbose, as_json)
    with output.progress("points") as progress:
        report = api.sweep_matrix(
            sweep_file,
            out=out,
            jobs=jobs,
            engine=engine,
            scheduler=scheduler,
            progress=progress,
            say=output.progress_line,
        )
    folder = out / "sweep" / report.name
    output.json(report.model_dump_json(indent=2))
    _print_points(report, output)
    for warning in report.warnings:
        output.warning(warning)
    for row in report.failed:
        assert row.error is not None
        output.problem(f"{row.folder}: {row.error.message}", row.error.hint)
    output.note(
        f"{len(report.points)} points, {report.taken_over} of them from an earlier sweep: {folder / 'sweep.json'}"
        + "".join(f", {name}" for name in report.plots)
    )
    if report.failed:
        raise IncompleteSweepError(
            f"{len(report.failed)} of {len(report.points)} points failed",
            hint="see above; the next sweep runs them again and keeps the others",
        )


_SHORT = {
    "instructions": "I",
    "cycles_estimated": "C",
    "latency_ms": "L",
    "energy_estimated_uj": "E",
    "flash": "F",
    "ram": "R",
}


def _print_points(report: "MatrixReport", output: Output) -> None:
    """One line each; columns that no point fills are left out."""
    columns: list[tuple[str, Callable[[PointRow], str]]] = [
        ("point", lambda row: f"{row.model} {row.board}"),
        ("build", lambda row: row.runtime if row.optimize is None else f"{row.runtime} {row.optimize}"),
        ("hop", lambda row: "" if row.hop is None else str(row.hop)),
        ("RAM budget, B", lambda row: "" if row.ram_budget is None else number(row.ram_budget)),
        ("MAE float, BPM", _of(lambda figures: figures.mae_float, 2)),
        ("MAE int8, BPM", _of(lambda figures: figures.mae_int8, 2)),
        ("|int8 - float|", _of(lambda figures: figures.mean_abs_difference, 2)),
        ("instructions", _of(lambda figures: figures.instructions)),
        ("cycles_estimated", _of(lambda figures: figures.cycles_estimated)),
        ("latency, ms", _of(lambda figures: figures.latency_ms, 3)),
        ("energy_estimated, µJ", _of(lambda figures: figures.energy_estimated_uj, 1)),
        ("flash, B", _of(lambda figures: figures.flash)),
        ("RAM, B", _of(lambda figures: figures.ram)),
        ("front", lambda row: _fronts(report, row)),
    ]
    cells = [[text(row) for _, text in columns] for row in report.points]
    used = [index for index in range(len(columns)) if any(line[index] for line in cells)]
    output.table(
        f"{report.name} under {report.emulator}",
        [columns[index][0] for index in used],
        [[line[index] for index in used] for line in cells],
    )
    if report.fronts:
        output.note(
            "front: nobody is better in accuracy and in "
            "I instructions, C cycles_estimated, L latency, E energy_estimated, F flash, R RAM"
        )


def _of(figure: "Callable[[Figures], float | None]", decimals: int = 0) -> "Callable[[PointRow], str]":
    def text(row: "PointRow") -> str:
        value = None if row.figures is None else figure(row.figures)
        return "" if value is None else number(value, decimals)

    return text


def _fronts(report: "MatrixReport", row: "PointRow") -> str:
    if row.status == "failed":
        return "failed"
    return "".join(_SHORT[front.cost] for front in report.fronts if row.id in front.points)
