"""ppg-deploy build."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ppg_deploy.cli.console import Output
from ppg_deploy.cli.options import BoardsDir, Json, Out, Quiet, Verbose
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.eembc import RunnerFiles


class Runtime(StrEnum):
    """What executes the model on the board."""

    AOT = "aot"
    TFLM = "tflm"
    BOTH = "both"


class Dialect(StrEnum):
    """What the firmware answers."""

    PPG = "ppg"
    EEMBC = "eembc"
    EEMBC_ENERGY = "eembc-energy"


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
    runtime: Annotated[
        Runtime,
        typer.Option(
            help="aot: C generated ahead of time. tflm: TensorFlow Lite Micro, from --tflm-dir. "
            "both: tflm into OUT/firmware-tflm, to be compared by bench."
        ),
    ] = Runtime.AOT,
    tflm_dir: Annotated[
        Path | None,
        typer.Option(
            "--tflm-dir",
            metavar="DIR",
            help="Tree of TFLM's sources. Default: [tflm] dir of ppg.toml, else $PPG_TFLM_DIR.",
            show_default=False,
        ),
    ] = None,
    tflm_arena: Annotated[
        int | None,
        typer.Option(
            "--tflm-arena",
            metavar="BYTES",
            min=1,
            help="TFLM's arena. Default: [tflm] arena of ppg.toml, else estimated.",
            show_default=False,
        ),
    ] = None,
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
    dialect: Annotated[
        Dialect,
        typer.Option(
            help="What the firmware answers. ppg: bench. eembc, eembc-energy: the public runner of MLPerf Tiny, with "
            "times or with edges on the gate pin; see docs/eembc.md."
        ),
    ] = Dialect.PPG,
    baud: Annotated[
        int | None,
        typer.Option(
            metavar="RATE",
            help="Of the console, up to 921600 or 1000000. Default: [build] baud of ppg.toml, else the board's; "
            "with --dialect eembc 115200.",
            show_default=False,
        ),
    ] = None,
    kernel_flags: Annotated[
        str | None,
        typer.Option(
            "--kernel-flags",
            metavar="FLAGS",
            help='Compiler flags of the kernels, after those of every file, e.g. "-O3 -funroll-loops". '
            "Default: [build] kernel_flags of ppg.toml, else -O2.",
            show_default=False,
        ),
    ] = None,
    power: Annotated[
        bool, typer.Option("--power", help="The image can be silent and sleep, for bench --energy.")
    ] = False,
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
    from ppg_deploy.cli.build_tflm import print_size, print_tflm
    from ppg_deploy.cli.explain_tables import print_decisions
    from ppg_deploy.compile import decisions_json

    output = Output(quiet, verbose, as_json)
    if runtime is not Runtime.AOT:
        if runtime is Runtime.TFLM and (optimize or hop or ram_budget or explain or kernel_flags is not None):
            raise InputError(
                "--optimize, --hop, --ram-budget, --kernel-flags and --explain are about generated C, "
                "which --runtime tflm has not",
                hint="leave them out, or build with --runtime both",
            )
        if as_json and runtime is Runtime.BOTH:
            raise InputError(
                "--json prints one size report", hint="take size.json of OUT/firmware and OUT/firmware-tflm"
            )
        tflm = api.build_tflm(
            board=board,
            out=out,
            model=model,
            boards_dirs=boards_dir or (),
            tflm_dir=tflm_dir,
            arena=tflm_arena,
            baud=baud,
            beside_aot=runtime is Runtime.BOTH,
            dialect=dialect.value,
            power=power,
            verbose=verbose,
        )
        if runtime is Runtime.TFLM:
            output.json(tflm.result.size.model_dump_json(indent=2))
        print_tflm(output, tflm)
        if runtime is Runtime.TFLM:
            _print_runner(output, dialect, tflm.runner_files)
            return
    elif tflm_dir is not None or tflm_arena is not None:
        raise InputError(
            "--tflm-dir and --tflm-arena need --runtime tflm or both",
            hint="add one of them, or leave these out",
        )
    outcome = api.build(
        board=board,
        out=out,
        model=model,
        boards_dirs=boards_dir or (),
        optimize=optimize,
        hop=None if hop is None else _hop(hop),
        ram_budget=ram_budget,
        dialect=dialect.value,
        baud=baud,
        kernel_flags=None if kernel_flags is None else kernel_flags.split(),
        power=power,
        verbose=verbose,
    )
    decisions = outcome.compiled.decisions
    output.json(
        decisions_json(decisions).decode() if explain else outcome.result.size.model_dump_json(indent=2)
    )
    print_size(output, f"{outcome.project.board.name}: {outcome.result.elf}", outcome.result)
    if explain:
        print_decisions(output, decisions, code_bytes=outcome.result.size.flash_code_bytes)
    output.note(
        f"runtime aot, optimised for {decisions.optimize.value}, "
        f"{outcome.result.compiler_version}, built in {outcome.result.wall_s:.1f} s"
    )
    _print_runner(output, dialect, outcome.runner_files)


def _print_runner(output: Output, dialect: Dialect, made: "RunnerFiles | None") -> None:
    if dialect is Dialect.PPG:
        return
    if made is None:
        output.note("the model was not quantised in this folder: no files for EEMBC's runner were written")
        return
    output.note(
        f"model id {made.model_id}; for EEMBC's runner: --test_script {made.tests} --dataset_path {made.datasets}"
    )
