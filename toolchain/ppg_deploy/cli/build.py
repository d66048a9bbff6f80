"""ppg-deploy build."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import BoardsDir, Json, Out, Quiet, Verbose
from ppg_deploy.errors import InputError


class Runtime(StrEnum):
    """What executes the model on the board."""

    AOT = "aot"


def _hop(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return int(text)
    raise InputError(f"--hop {text} is neither a number of samples nor auto", hint="for example: --hop 64")


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
    hop: Annotated[
        str | None,
        typer.Option(
            metavar="SAMPLES|auto",
            help="Sliding windows: new samples per channel between two answers; auto: the card's stride. "
            "Default: [build] hop of ppg.toml, else none.",
            show_default=False,
        ),
    ] = None,
    ram_budget: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            min=1,
            help="Most bytes of the arena, met at the price of cycles or refused. "
            "Default: [build] ram_budget of ppg.toml, else the fewest that cost no cycles.",
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
        board=board,
        out=out,
        model=model,
        boards_dirs=boards_dir or (),
        optimize=optimize,
        hop=None if hop is None else _hop(hop),
        ram_budget=ram_budget,
        verbose=verbose,
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
