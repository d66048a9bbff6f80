"""bench()."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import files, handover
from ppg_deploy.api.names import (
    DEFAULT_COUNT,
    DEFAULT_OUT,
    FIRMWARE_FOLDER,
    OUTPUTS_NAME,
    TFLM_FOLDER,
    TFLM_OUTPUTS_NAME,
    ignore_line,
    ignore_progress,
    report_name,
)
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.bench import Progress
    from ppg_deploy.report import Report


def bench(
    *,
    out: Path = DEFAULT_OUT,
    port: str | None = None,
    emulator: str | None = None,
    data: Path | None = None,
    count: int = DEFAULT_COUNT,
    baud: int | None = None,
    timing_model: str | None = None,
    sliding: bool = False,
    keep_going: bool = False,
    run_timeout_s: float = 30.0,
    may_flash: bool = True,
    method: str | None = None,
    probe_serial: str | None = None,
    boards_dirs: Sequence[Path] = (),
    progress: "Progress" = ignore_progress,
    say: Callable[[str], None] = ignore_line,
    folder: str = FIRMWARE_FOLDER,
) -> "Report":
    """Stream windows through the firmware of OUT/firmware; write OUT/report.json and OUT/outputs.npz.

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
        boards_dirs: folders with boards of the user's own.
        progress: called after each window with (done, total).
        say: called with each line about finding and flashing the board.
        folder: the project in OUT; of firmware-tflm the results are OUT/report-tflm.json and OUT/outputs-tflm.npz.

    Raises:
        PpgDeployError: no build, wrong windows, missing emulator, or a device that does not answer.
            Differing outputs are not an error here: they are in the report.
    """
    import numpy as np

    from ppg_deploy.attach import Wanted, attach
    from ppg_deploy.bench import Terms, measure, prepare_plan, summarise
    from ppg_deploy.bench.summary import device_bpm
    from ppg_deploy.boards import list_boards, load_board
    from ppg_deploy.build import read_build
    from ppg_deploy.ports import emulated_board, open_emulator
    from ppg_deploy.project import load_manifest

    if port is not None and emulator is not None:
        raise InputError("give --port or --emulator, not both", hint="for example: --emulator unicorn")
    if timing_model is not None and emulator != "unicorn":
        raise InputError(
            "a timing model needs exact counts, which only the emulator unicorn makes",
            hint="add --emulator unicorn, or leave --timing-model out",
        )
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
    if emulator is not None and getattr(board.emulators, emulator, None) is None:
        able = [b.id for b in list_boards(boards_dirs=boards_dirs) if getattr(b.emulators, emulator, None)]
        raise InputError(
            f"{emulator} has no model of board {board.id}",
            hint=f"build for a board that it models ({', '.join(able)}), or use another emulator",
        )
    line_baud = baud or manifest.baud or board.uart.baud
    plan = prepare_plan(
        board=board,
        manifest=manifest,
        build=built,
        project=project,
        quantize_json=out / handover.FILE_NAME,
        data=data,
    )
    if emulator is not None:
        connection = open_emulator(
            emulator, elf=built.elf, board=emulated_board(board), timing_model=timing_model
        )
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
    try:
        terms = Terms(
            count=count,
            sliding=sliding,
            keep_going=keep_going,
            run_timeout_s=run_timeout_s,
            baud=line_baud,
        )
        measurement = measure(plan, connection, terms, progress=progress)
        report = summarise(plan, measurement, connection)
    finally:
        connection.close()
    bpm = None if measurement.missing else device_bpm(plan, measurement.outputs)
    answered = np.ones(len(measurement.outputs), np.bool_)
    answered[[missing.window for missing in measurement.missing]] = False
    files.write_npz(
        out / (TFLM_OUTPUTS_NAME if folder == TFLM_FOLDER else OUTPUTS_NAME),
        {f"y_{measurement.outputs.dtype}": measurement.outputs}
        | ({} if measurement.sliding is None else {"y_sliding": measurement.sliding.outputs})
        | ({} if answered.all() else {"answered": answered})
        | ({} if bpm is None else {"bpm": bpm.raw, "bpm_filtered": bpm.filtered}),
    )
    files.write_text(out / report_name(folder), report.model_dump_json(indent=2) + "\n")
    return report
