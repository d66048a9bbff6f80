"""bench()."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import handover
from ppg_deploy.api.names import (
    DEFAULT_COUNT,
    DEFAULT_OUT,
    FIRMWARE_FOLDER,
    OUTPUTS_NAME,
    RESULTS_FOLDER,
    TFLM_FOLDER,
    TFLM_OUTPUTS_NAME,
    FilePath,
    as_path,
    ignore_line,
    ignore_progress,
    report_name,
)
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.benching import Progress
    from ppg_deploy.benching.energy import EnergyPlan
    from ppg_deploy.boards import Board
    from ppg_deploy.building import BuildResult
    from ppg_deploy.ports import Connection
    from ppg_deploy.report import Report


def bench(
    *,
    out: FilePath = DEFAULT_OUT,
    port: str | None = None,
    emulator: str | None = None,
    data: FilePath | None = None,
    count: int = DEFAULT_COUNT,
    baud: int | None = None,
    timing_model: str | None = None,
    sliding: bool = False,
    keep_going: bool = False,
    run_timeout_s: float = 30.0,
    may_flash: bool = True,
    method: str | None = None,
    probe_serial: str | None = None,
    renode: str | None = None,
    boards_dirs: Sequence[Path] = (),
    progress: "Progress" = ignore_progress,
    say: Callable[[str], None] = ignore_line,
    folder: str = FIRMWARE_FOLDER,
    energy: "EnergyPlan | None" = None,
    resume: bool = False,
) -> "Report":
    """Stream windows through the firmware of OUT/firmware; write OUT/results/<UTC time>-<board>-<model>/.

    OUT/report.json and OUT/outputs.npz are links to result.json and samples.npz of the newest result.

    Args:
        out: folder of the results.
        port: serial port of a board; without it and without `emulator`, the only one with the board's USB ids.
        emulator: emulator to run the ELF in, instead of a board.
        data: windows file; the calibration windows by default.
        count: inferences to count exactly (unicorn).
        baud: overrides the baud rate that the firmware was built with.
        timing_model: estimates the cycles of counted inferences (unicorn); by default the board's, else its core's.
        sliding: stream the windows a second time, as pushes; needs a build with hop.
        keep_going: report a window without an answer as missing, instead of ending the bench; not with `sliding`.
        run_timeout_s: time limit of one attempt of a request that runs the model, in seconds; at least 5 s more than
            the firmware's own limit for an inference.
        may_flash: flash a board that runs another build or does not answer; else that is an error.
        method: how to flash; the board's default when None.
        probe_serial: serial number of the board's probe, where several are plugged in.
        renode: Renode's program; $RENODE, else on PATH, when None.
        boards_dirs: folders with boards of the user's own.
        progress: called after each window with (done, total).
        say: called with each line about finding and flashing the board.
        folder: the project in OUT; of firmware-tflm the links are OUT/report-tflm.json and OUT/outputs-tflm.npz.
        energy: measure energy, too; needs a build with power, and a board.
        resume: continue an interrupted bench of the same build and windows with the windows that it lacks.

    Raises:
        PpgDeployError: no build, wrong windows, missing emulator, or a device that does not answer.
            Differing outputs are not an error here: they are in the report.
    """
    from ppg_deploy.attach import Wanted, attach
    from ppg_deploy.benching import Terms, measure, prepare_plan, summarise
    from ppg_deploy.benching.device import to_wire
    from ppg_deploy.benching.energy import energy_bench, trace_of, with_energy
    from ppg_deploy.benching.journal import JournalIdentity, finished_windows, open_journal
    from ppg_deploy.benching.samples import samples_of
    from ppg_deploy.boards import load_board
    from ppg_deploy.building import read_build
    from ppg_deploy.project import load_manifest
    from ppg_deploy.results import write_result

    _check_choices(port=port, emulator=emulator, renode=renode, energy=energy, timing_model=timing_model)
    out = Path(out)
    project = out / folder
    manifest = load_manifest(project)
    if manifest.dialect != "ppg":
        raise InputError(
            f"the firmware in {project} speaks the dialect {manifest.dialect}, which EEMBC's runner drives; bench "
            "cannot",
            hint="see docs/eembc.md, or build again without --dialect",
        )
    if sliding and manifest.hop is None:
        raise InputError(
            f"the firmware in {project} was built without sliding windows",
            hint="build with --hop SAMPLES, or bench without --sliding",
        )
    built = read_build(project)
    board = load_board(manifest.board, boards_dirs=boards_dirs)
    if emulator is not None:
        _require_model(board, emulator, boards_dirs)
    line_baud = baud or manifest.baud or board.uart.baud
    plan = prepare_plan(
        board=board,
        manifest=manifest,
        build=built,
        project=project,
        quantize_json=out / handover.FILE_NAME,
        data=as_path(data),
    )
    identity = JournalIdentity(
        board=board.id,
        model_sha256=manifest.model_sha256,
        build_id=built.build_id,
        data_sha256=plan.windows_sha256,
        windows=len(plan.codes),
        emulator=emulator,
        count=count,
        timing_model=timing_model,
    )
    journal_path = _journal_path(out, folder)
    if not resume and (left := finished_windows(journal_path)):
        say(f"dropping {left} answers of an interrupted bench; --resume would have kept them")
    terms = Terms(
        count=count, sliding=sliding, keep_going=keep_going, run_timeout_s=run_timeout_s, baud=line_baud
    )
    with ExitStack() as stack:
        meter = None if energy is None else stack.enter_context(energy_bench(energy, manifest, board, say))
        if emulator is not None:
            connection = _emulated(board, built, emulator, timing_model, renode, boards_dirs)
        else:
            wanted = Wanted(
                board=board,
                built=built,
                folder=project,
                baud=line_baud,
                port=port,
                may_flash=may_flash,
                method=method,
                probe_serial=probe_serial,
            )
            connection = attach(wanted, say)
        stack.callback(connection.close)
        journal = stack.enter_context(open_journal(journal_path, identity, resume=resume))
        measurement = measure(plan, connection, terms, journal=journal, progress=progress)
        report = summarise(plan, measurement, connection)
        measured = None if meter is None else meter.measure(connection, to_wire(plan.codes[0]), report.cost)
        report = with_energy(report, board, measured)
        written = write_result(
            out / RESULTS_FOLDER,
            report,
            samples_of(plan, measurement),
            None if measured is None else trace_of(measured),
        )
    _point_to_newest(out, folder, written)
    return report


def unfinished_windows(out: FilePath = DEFAULT_OUT, folder: str = FIRMWARE_FOLDER) -> int:
    """How many answers an interrupted bench of OUT/`folder` has left for bench(resume=True); 0 without one."""
    from ppg_deploy.benching.journal import finished_windows

    return finished_windows(_journal_path(Path(out), folder))


def _journal_path(out: Path, folder: str) -> Path:
    return out / RESULTS_FOLDER / f"unfinished-{folder}.journal"


def _check_choices(
    *,
    port: str | None,
    emulator: str | None,
    renode: str | None,
    energy: "EnergyPlan | None",
    timing_model: str | None,
) -> None:
    if port is not None and emulator is not None:
        raise InputError("give --port or --emulator, not both", hint="for example: --emulator unicorn")
    if renode is not None and emulator != "renode":
        raise InputError("a program for Renode is given, but not used", hint="add --emulator renode")
    if energy is not None and emulator is not None:
        raise InputError(
            "energy is measured on a board; an emulated run gets energy_estimated where cycles are estimated",
            hint="leave --energy out",
        )
    if timing_model is not None and emulator != "unicorn":
        raise InputError(
            "a timing model needs exact counts, which only the emulator unicorn makes",
            hint="add --emulator unicorn, or leave --timing-model out",
        )


def _require_model(board: "Board", emulator: str, boards_dirs: Sequence[Path]) -> None:
    from ppg_deploy.boards import list_boards

    if getattr(board.emulators, emulator, None) is None:
        able = [b.id for b in list_boards(boards_dirs=boards_dirs) if getattr(b.emulators, emulator, None)]
        raise InputError(
            f"{emulator} has no model of board {board.id}",
            hint=f"build for a board that it models ({', '.join(able)}), or use another emulator",
        )


def _emulated(
    board: "Board",
    built: "BuildResult",
    emulator: str,
    timing_model: str | None,
    renode: str | None,
    boards_dirs: Sequence[Path],
) -> "Connection":
    from ppg_deploy.ports import emulated_board, open_emulator

    return open_emulator(
        emulator,
        elf=built.elf,
        board=emulated_board(board, boards_dirs=boards_dirs),
        timing_model=timing_model,
        renode=renode,
    )


def _point_to_newest(out: Path, folder: str, written: Path) -> None:
    from ppg_deploy.results import RESULT_NAME, SAMPLES_NAME
    from ppg_deploy.results.folder import point_to

    point_to(out / report_name(folder), written / RESULT_NAME)
    point_to(out / (TFLM_OUTPUTS_NAME if folder == TFLM_FOLDER else OUTPUTS_NAME), written / SAMPLES_NAME)
