"""ppg-deploy doctor."""

from typing import Annotated

import typer

from ppg_deploy.cli.console import Output
from ppg_deploy.cli.options import BoardsDir, Json, Quiet

NOT_HEALTHY = 1
"""Exit code when something that is needed is missing."""


def doctor(
    board: Annotated[
        str | None,
        typer.Option(
            "--board", help="Board id or alias: also check what this board needs.", show_default=False
        ),
    ] = None,
    renode: Annotated[
        str | None, typer.Option("--renode", help="Renode's program; default: $RENODE, else on PATH.")
    ] = None,
    boards_dir: BoardsDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check this machine: compiler, PlatformIO, flashers, probes, ports, permissions, emulators, packages.

    Exit code 1 when something is missing that the board, or any build, needs.
    """
    from ppg_deploy.boards import list_boards, load_board
    from ppg_deploy.doctor import Level, diagnose

    output = Output(quiet, False, as_json)
    dirs = boards_dir or ()
    chosen = None if board is None else load_board(board, boards_dirs=dirs)
    diagnosis = diagnose(chosen, list_boards(boards_dirs=dirs), renode=renode)
    output.json(diagnosis.model_dump_json(indent=2))
    output.text_table(
        "this machine" + (f", for board {diagnosis.board}" if diagnosis.board else ""),
        ("", "check", "level", "found", "hint"),
        [
            (finding.group, finding.check, finding.level.value, finding.found, finding.hint or "")
            for finding in diagnosis.findings
        ],
    )
    for finding in diagnosis.findings:
        if finding.level is Level.ERROR and not as_json:
            output.problem(f"{finding.check}: {finding.found}", finding.hint)
    if not diagnosis.healthy:
        raise typer.Exit(NOT_HEALTHY)
    output.note("everything that is needed is there")
