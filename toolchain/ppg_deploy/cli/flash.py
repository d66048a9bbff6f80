"""ppg-deploy flash."""

from pathlib import Path
from typing import Annotated

import typer

from ppg_deploy.cli.console import Output
from ppg_deploy.cli.options import BoardsDir, Json, Out, Quiet, Verbose

Method = Annotated[
    str | None,
    typer.Option("--method", help="How to flash, e.g. stlink; default: the board's.", show_default=False),
]
ProbeSerial = Annotated[
    str | None,
    typer.Option(
        "--probe-serial", help="Serial number of the probe, where several are plugged in.", show_default=False
    ),
]


def flash(
    method: Method = None,
    probe_serial: ProbeSerial = None,
    port: Annotated[
        str | None,
        typer.Option(
            "--port", help="Serial port of a bootloader (bossac), or folder of the probe's disk (mbed)."
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            min=1,
            metavar="SECONDS",
            help="Longest time of the writing; default: a minute and the image's size at 4 kB/s.",
            show_default=False,
        ),
    ] = None,
    boards_dir: BoardsDir = None,
    out: Out = Path("build"),
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write the firmware of OUT/firmware onto the board and verify it."""
    from ppg_deploy import api

    output = Output(quiet, verbose, as_json)
    result = api.flash(
        out=out,
        method=method,
        probe_serial=probe_serial,
        port=port,
        limit_s=time_limit,
        boards_dirs=boards_dir or (),
        say=output.progress_line,
    )
    output.json(result.model_dump_json(indent=2))
    verified = (
        f"verified ({result.verified})"
        if result.verified
        else "not read back: bench compares the build id that the board reports"
    )
    output.note(
        f"{result.board} flashed by {result.method} in {result.wall_s:.1f} s, {verified}; "
        f"build {result.build_id[:32]}"
    )
