"""ppg-deploy build."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

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
    boards_dir: BoardsDir = None,
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Generate C and a firmware project for a board and compile it (OUT/firmware/)."""
    from ppg_deploy import api

    output = Output(quiet, verbose, as_json)
    outcome = api.build(board=board, out=out, model=model, boards_dirs=boards_dir or (), verbose=verbose)
    size = outcome.result.size
    output.json(size.model_dump_json(indent=2))
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
    output.note(
        f"runtime {runtime.value}, {outcome.result.compiler_version}, built in {outcome.result.wall_s:.1f} s"
    )
