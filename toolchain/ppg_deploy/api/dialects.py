"""What `--dialect` means for a build: another application, a board at another rate, files for EEMBC's runner."""

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


def spoken(
    dialect: "Dialect", *, board: "Board", graph: "Graph", model: Path, out: Path, baud: int | None
) -> Spoken:
    """What to build for `dialect`.

    Args:
        dialect: of --dialect.
        board: the chosen one.
        graph: the quantised model.
        model: its file.
        out: folder of the results, where quantize.json says what the student is called.
        baud: rate of the console of an EEMBC firmware; None for the runner's.

    Raises:
        InputError: `baud` without an EEMBC dialect, a rate that the board cannot make, or a model whose output cannot
            be printed.
    """
    from ppg_deploy.eembc import BAUD, eembc_application, eembc_board, model_id_of
    from ppg_deploy.project import BENCH_APPLICATION

    if dialect == "ppg":
        if baud is not None:
            raise InputError(
                "--baud is the rate of an EEMBC firmware; that of our own protocol is [uart] baud of board.toml",
                hint="add --dialect eembc, or leave --baud out",
            )
        return Spoken(board, BENCH_APPLICATION, None)
    model_id = model_id_of(_student_name(graph, model, out))
    application = eembc_application(graph, model_id=model_id, is_energy=dialect == "eembc-energy")
    return Spoken(eembc_board(board, baud=BAUD if baud is None else baud), application, model_id)


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
