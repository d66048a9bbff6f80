"""ppg-deploy build."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import BoardsDir, Json, Out, Quiet, Verbose


class Runtime(StrEnum):
    """What executes the model on the board."""

    AOT = "aot"


def build(
    board: Annotated[
        str | None, typer.Option("--board", help="Board id or alias, e.g. nucleo-l4.", show_default=False)
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="int8 .tflite; default OUT/model.tflite.")
    ] = None,
    runtime: Annotated[Runtime, typer.Option(help="aot: C generated ahead of time.")] = Runtime.AOT,
    optimize: Annotated[
        Literal["speed", "balanced", "size"] | None,
        typer.Option(
            help="Fewest cycles, smallest image, or faster where it is worth its flash; the output bytes are the same. "
            "Default: [build] optimize of ppg.toml, else balanced.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print why each kernel was chosen, and what was proven.")
    ] = False,
    boards_dir: BoardsDir = None,
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Generate C and a firmware project for a board and compile it (OUT/firmware/)."""
    from ppg_deploy import api
    from ppg_deploy.cli.explain_tables import print_decisions
    from ppg_deploy.compile import decisions_json

    output = Output(quiet, verbose, as_json)
    outcome = api.build(
        board=board, out=out, model=model, boards_dirs=boards_dir or (), optimize=optimize, verbose=verbose
    )
    size = outcome.result.size
    decisions = outcome.compiled.decisions
    output.json(decisions_json(decisions).decode() if explain else size.model_dump_json(indent=2))
    limits = size.limits
    output.table(
        f"{outcome.project.board.name}: {outcome.result.elf}",
        ("part", "flash, B", "RAM, B"),
        [
            *((part.name, number(part.flash_bytes), number(part.ram_bytes)) for part in size.by_part),
            ("total", number(size.flash_bytes), number(size.ram_bytes)),
            (
                f"of {limits.flash_region} and {limits.ram_region}",
                f"{size.flash_bytes / limits.flash_bytes:.1%}",
                f"{size.ram_bytes / limits.ram_bytes:.1%}",
            ),
        ],
    )
    if verbose:
        output.table(
            "sections",
            ("section", "flash, B", "RAM, B"),
            [(part.name, number(part.flash_bytes), number(part.ram_bytes)) for part in size.by_section],
        )
    if explain:
        print_decisions(output, decisions, code_bytes=size.flash_code_bytes)
    output.note(
        f"runtime {runtime.value}, optimised for {decisions.optimize.value}, "
        f"{outcome.result.compiler_version}, built in {outcome.result.wall_s:.1f} s"
    )
