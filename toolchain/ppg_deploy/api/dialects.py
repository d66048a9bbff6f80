"""What `--dialect` means for a build: another application, the runner's rate, files for EEMBC's runner."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import handover
from ppg_deploy.errors import InputError
from ppg_deploy.files import sha256

if TYPE_CHECKING:
    from ppg_deploy.boards import Board
    from ppg_deploy.eembc import RunnerFiles
    from ppg_deploy.graph import Graph
    from ppg_deploy.project import Application, Dialect

EEMBC_FOLDER = "eembc"
"""In the folder of the results: what EEMBC's runner reads."""


@dataclass(frozen=True)
class Spoken:
    """The board and the application of a build. `model_id` is what an EEMBC firmware calls the model, else None."""

    board: "Board"
    application: "Application"
    model_id: str | None


def console_baud(dialect: "Dialect", given: int | None, configured: int | None) -> int | None:
    """Rate of the console: of --baud, else of ppg.toml, which is about bench; None for the board's own."""
    from ppg_deploy.eembc import BAUD

    if given is not None:
        return given
    return configured if dialect == "ppg" else BAUD


def spoken(
    dialect: "Dialect",
    *,
    board: "Board",
    graph: "Graph",
    model: Path,
    out: Path,
    power: bool,
) -> Spoken:
    """What to build for `dialect`.

    Args:
        dialect: of --dialect.
        board: the chosen one.
        graph: the quantised model.
        model: its file.
        out: folder of the results, where quantize.json says what the student is called.
        power: the image is to take power runs.

    Raises:
        InputError: an EEMBC dialect with `power`, energy mode on a board without a gate pin, or a model whose output
            cannot be printed.
    """
    from ppg_deploy.eembc import eembc_application, model_id_of
    from ppg_deploy.project import BENCH_APPLICATION

    if dialect == "ppg":
        return Spoken(board, BENCH_APPLICATION, None)
    if dialect == "eembc-energy" and board.gate is None:
        raise InputError(
            f"board {board.id} has no [gate] pin, whose edges are the timestamps of energy mode",
            hint="name one in board.toml, see docs/add-a-board.md, or build with --dialect eembc",
        )
    if power:
        raise InputError(
            "--power is for bench --energy, which an EEMBC firmware does not answer",
            hint="leave it out; energy mode is --dialect eembc-energy",
        )
    model_id = model_id_of(_student_name(graph, model, out))
    application = eembc_application(graph, model_id=model_id, is_energy=dialect == "eembc-energy")
    return Spoken(board, application, model_id)


def _student_name(graph: "Graph", model: Path, out: Path) -> str:
    report = handover.matching_report(out / handover.FILE_NAME, sha256(model.read_bytes()))
    if report is None:
        return model.stem if graph.name in ("", "main") else graph.name
    return Path(report.source.path).stem if report.card is None else report.card.name


def runner_files(said: Spoken, *, graph: "Graph", model: Path, out: Path) -> "RunnerFiles | None":
    """Write OUT/eembc; None for our own dialect, and for a model that was not quantised in OUT (no windows).

    Raises:
        InputError: the calibration windows are gone.
    """
    from ppg_deploy.eembc import write_runner_files

    tflite = model.read_bytes()
    report = handover.matching_report(out / handover.FILE_NAME, sha256(tflite))
    if said.model_id is None or report is None:
        return None
    return write_runner_files(
        out / EEMBC_FOLDER,
        model_id=said.model_id,
        graph=graph,
        tflite=tflite,
        report=report,
        clock_hz=said.board.clock_hz,
    )
