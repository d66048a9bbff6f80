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
    names = [_names(row) for row in report.points]
    varying = {name for name in names[0] if len({of_row[name] for of_row in names}) > 1}
    common = [text for name, text in names[0].items() if name not in varying]
    change = _of(lambda figures: figures.mean_abs_difference, 2)
    columns: list[tuple[str, Callable[[PointRow], str]]] = [
        ("point", lambda row: " ".join(text for name, text in _names(row).items() if name in varying)),
        ("MAE, BPM", _of(lambda figures: figures.mae_int8, 2)),
        *([("change", change)] if output.verbose or report.accuracy != "mae_int8" else []),
        ("k instr.", _of(lambda figures: figures.instructions, scale=1e-3)),
        ("k cyc. est.", _of(lambda figures: figures.cycles_estimated, scale=1e-3)),
        ("latency, ms", _of(lambda figures: figures.latency_ms, 3)),
        ("µJ est.", _of(lambda figures: figures.energy_estimated_uj)),
        ("flash, kB", _of(lambda figures: figures.flash, 1, scale=1e-3)),
        ("RAM, kB", _of(lambda figures: figures.ram, 1, scale=1e-3)),
        ("front", lambda row: _fronts(report, row)),
    ]
    cells = [[text(row) for _, text in columns] for row in report.points]
    used = [index for index in range(len(columns)) if any(line[index] for line in cells)]
    output.table(
        " ".join([report.name, "under", report.emulator, *(f"({text})" for text in common if text)]),
        [columns[index][0] for index in used],
        [[line[index] for index in used] for line in cells],
    )
    output.note(
        "per answer; est.: cycles_estimated, energy_estimated; change: mean |quantised - float|; front: nobody is "
        "better in accuracy and in I instructions, C cycles_estimated, L latency, E energy_estimated, F flash, R RAM"
    )


def _names(row: "PointRow") -> dict[str, str]:
    """What tells a point from others."""
    return {
        "model": row.model,
        "board": row.board,
        "runtime": row.runtime,
        "optimize": row.optimize or "",
        "hop": "" if row.hop is None else f"hop {row.hop}",
        "ram_budget": "" if row.ram_budget is None else f"RAM {row.ram_budget}",
    }


def _of(
    figure: "Callable[[Figures], float | None]", decimals: int = 0, scale: float = 1.0
) -> "Callable[[PointRow], str]":
    def text(row: "PointRow") -> str:
        value = None if row.figures is None else figure(row.figures)
        return "" if value is None else number(value * scale, decimals)

    return text


def _fronts(report: "MatrixReport", row: "PointRow") -> str:
    if row.status == "failed":
        return "failed"
    return "".join(_SHORT[front.cost] for front in report.fronts if row.id in front.points)
