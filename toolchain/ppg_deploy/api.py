"""quantize(), build(), bench() and inspect(): what the command line and notebooks call. Nothing here prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ppg_deploy import files, handover
from ppg_deploy.config import load_config
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.audit import AuditReport
    from ppg_deploy.bench import Progress
    from ppg_deploy.boards import Board
    from ppg_deploy.build import BuildResult
    from ppg_deploy.compile import CompiledModel
    from ppg_deploy.project import Project
    from ppg_deploy.quantize import QuantizeInputs, QuantizeSettings, SweepReport
    from ppg_deploy.report import Report
    from ppg_deploy.tflm.step import TflmOutcome

FIRMWARE_FOLDER = "firmware"
TFLM_FOLDER = "firmware-tflm"
REPORT_NAME = "report.json"
OUTPUTS_NAME = "outputs.npz"
TFLM_REPORT_NAME = "report-tflm.json"
TFLM_OUTPUTS_NAME = "outputs-tflm.npz"
SWEEP_NAME = "sweep.json"
DEFAULT_OUT = Path("build")
DEFAULT_COUNT = 16
# Of flash, beside model and kernels: about twice what application, protocol and board support take today.
_APPLICATION_BYTES = 16 * 1024
Emulator = Literal["unicorn", "qemu"]


@dataclass(frozen=True)
class BuildOutcome:
    """A built firmware project."""

    project: "Project"
    compiled: "CompiledModel"
    result: "BuildResult"


def quantize(
    model: Path,
    *,
    out: Path = DEFAULT_OUT,
    card: Path | None = None,
    calibration: Path | None = None,
    data: Path | None = None,
    settings: "QuantizeSettings | None" = None,
    plot: bool = False,
    converter: handover.Converter = "direct",
) -> handover.QuantizeReport:
    """ONNX student -> OUT/model.tflite and OUT/quantize.json.

    Args:
        model: the ONNX file.
        out: folder of the results.
        card: student card; by default the .toml of the same name beside the model, if it exists.
        calibration: windows file; by default NAME.calib.npz beside the model, else ppg.toml's.
        data: windows on which the error is reported; the calibration windows by default.
        settings: calibration method and its options; min-max and int8 activations by default.
        plot: also write OUT/quantize.png and OUT/quantize.svg.
        converter: "direct" is our own; "onnx2tf" needs the [tf] extra.

    Raises:
        PpgDeployError: see quantize_student; also InputError without calibration windows, EnvironmentProblem when
            a plot is wanted and matplotlib is missing, and AuditError when the result could not run anywhere. A
            failed accuracy gate is not an error here: it is in the report.
    """
    from ppg_deploy.audit import Severity, audit_model, require_sound
    from ppg_deploy.quantize import quantize_student, quantize_with_onnx2tf

    if plot:
        from ppg_deploy.report.quantize_plot import require_matplotlib

        require_matplotlib()
    inputs = _quantize_inputs(model, card, calibration, data)
    route = quantize_with_onnx2tf if converter == "onnx2tf" else quantize_student
    result = route(inputs, out / handover.MODEL_NAME, settings)
    # Before anything is written: a model with errors must not replace an earlier good one.
    audit = audit_model(result.tflite, name=str(out / handover.MODEL_NAME))
    require_sound(audit)
    warnings = tuple(f"{finding.message} ({finding.hint})" for finding in audit.of(Severity.WARNING))
    report = result.report.model_copy(update={"warnings": result.report.warnings + warnings})
    files.write_bytes(out / handover.MODEL_NAME, result.tflite)
    files.write_text(out / handover.FILE_NAME, report.model_dump_json(indent=2, by_alias=True) + "\n")
    if plot:
        from ppg_deploy.report.quantize_plot import plot_report

        for suffix, image in plot_report(report).items():
            files.write_bytes((out / handover.FILE_NAME).with_suffix(suffix), image)
    return report


def _ignore_progress(done: int, total: int) -> None:
    """Stands in where the caller wants no progress."""


def sweep(
    model: Path,
    *,
    out: Path = DEFAULT_OUT,
    card: Path | None = None,
    calibration: Path | None = None,
    data: Path | None = None,
    settings: "QuantizeSettings | None" = None,
    progress: "Progress" = _ignore_progress,
) -> "SweepReport":
    """Try every calibration method on one student; write OUT/sweep.json and nothing else.

    Args:
        model: the ONNX file.
        out: folder of the result.
        card: as for `quantize`.
        calibration: as for `quantize`.
        data: as for `quantize`; of more than 2,000 windows the middle part of each recording is taken.
        settings: percentile, clip limit, output range and type of all rows.
        progress: called after each row with (done, total).

    Raises:
        PpgDeployError: as `quantize`.
    """
    from ppg_deploy.quantize import QuantizeSettings, sweep_student

    inputs = _quantize_inputs(model, card, calibration, data)
    report = sweep_student(inputs, settings or QuantizeSettings(), progress)
    files.write_text(out / SWEEP_NAME, report.model_dump_json(indent=2) + "\n")
    return report


def _quantize_inputs(
    model: Path, card: Path | None, calibration: Path | None, data: Path | None
) -> "QuantizeInputs":
    from ppg_deploy.card import load_card
    from ppg_deploy.quantize import QuantizeInputs

    if not model.is_file():
        raise InputError(f"{model}: no such file", hint="give the ONNX file of the student")
    beside = model.with_suffix(".toml")
    card_path = card if card is not None else (beside if beside.is_file() else None)
    return QuantizeInputs(
        model=model,
        card=None if card_path is None else load_card(card_path),
        card_path=card_path,
        calibration=_find_calibration(model, calibration),
        evaluation=data,
        gate=load_config(Path.cwd()).gate,
    )


def _find_calibration(model: Path, given: Path | None) -> Path:
    if given is not None:
        return given
    beside = model.with_suffix(".calib.npz")
    if beside.is_file():
        return beside
    configured = load_config(Path.cwd()).quantize.calibration
    if configured is not None:
        return configured
    raise InputError(
        f"no calibration windows: neither --calib nor {beside} nor [quantize] calibration in ppg.toml",
        hint="save 100 or more real windows that span the heart-rate range; see docs/windows.md",
    )


def build(
    *,
    board: str | None = None,
    out: Path = DEFAULT_OUT,
    model: Path | None = None,
    boards_dirs: Sequence[Path] = (),
    optimize: Literal["speed", "balanced", "size"] | None = None,
    hop: int | Literal["auto"] | None = None,
    ram_budget: int | None = None,
    verbose: bool = False,
) -> BuildOutcome:
    """int8 .tflite -> OUT/firmware/ with firmware.elf, size.json and explain.json.

    Args:
        board: id or alias; by default [build] board of ppg.toml.
        out: folder of the results.
        model: any int8 .tflite of supported operators; OUT/model.tflite by default.
        boards_dirs: folders with boards of the user's own.
        optimize: what the kernels are chosen for; by default [build] optimize of ppg.toml, else "balanced". The
            output bytes are the same with each.
        hop: new samples per channel between two answers, for sliding windows; "auto" is the student card's stride.
            By default [build] hop of ppg.toml, else there are no sliding windows.
        ram_budget: most bytes of the arena; by default [build] ram_budget of ppg.toml, else the fewest that cost no
            cycles.
        verbose: keep the whole compiler log in errors.

    Raises:
        PpgDeployError: unknown board, unsupported model, missing compiler, it does not fit, or successive windows
            share nothing.
    """
    from ppg_deploy.build import build_firmware
    from ppg_deploy.compile import Optimize, compile_graph, decisions_json, operators_of
    from ppg_deploy.hop import resolve_hop
    from ppg_deploy.project import DEFAULT_FLAGS, SMALL_FLAGS, ModelSources, render_project
    from ppg_deploy.tflite import read_tflite

    configured = load_config(Path.cwd()).build
    name = board or configured.board
    objective = Optimize(optimize or configured.optimize)
    chosen = _chosen_board(name, boards_dirs)
    model_path = model if model is not None else out / handover.MODEL_NAME
    graph = read_tflite(model_path)
    tflite = model_path.read_bytes()
    model_sha256 = files.sha256(tflite)
    samples = resolve_hop(
        configured.hop if hop is None else hop,
        quantize_json=out / handover.FILE_NAME,
        model_sha256=model_sha256,
    )
    budget = configured.ram_budget if ram_budget is None else ram_budget
    compiled = compile_graph(
        graph,
        model_sha256=model_sha256,
        dsp=chosen.core.dsp,
        optimize=objective,
        hop=samples,
        ram_budget=budget,
        flash_budget=chosen.code_memory.size_bytes - _APPLICATION_BYTES,
    )
    folder = out / FIRMWARE_FOLDER
    project = render_project(
        board=chosen,
        model=ModelSources(
            runtime=compiled.runtime,
            files=compiled.files,
            model_sha256=compiled.model_sha256,
            kernel_files=compiled.kernel_files,
            arena_bytes=compiled.arena_bytes,
            arena_symbol=compiled.arena_symbol,
            optimize=objective.value,
            hop=samples,
            ram_budget=budget,
        ),
        folder=folder,
        flags=SMALL_FLAGS if objective is Optimize.SIZE else DEFAULT_FLAGS,
    )
    result = build_firmware(project, verbose=verbose)
    files.write_bytes(folder / handover.MODEL_NAME, tflite)
    files.write_text(
        folder / handover.OPERATORS_NAME, operators_of(compiled).model_dump_json(indent=2) + "\n"
    )
    files.write_bytes(folder / handover.EXPLAIN_NAME, decisions_json(compiled.decisions))
    return BuildOutcome(project, compiled, result)


def build_tflm(
    *,
    board: str | None = None,
    out: Path = DEFAULT_OUT,
    model: Path | None = None,
    boards_dirs: Sequence[Path] = (),
    tflm_dir: Path | None = None,
    arena: int | None = None,
    beside_aot: bool = False,
    verbose: bool = False,
) -> "TflmOutcome":
    """int8 .tflite -> OUT/firmware/ as `build` makes it, with TensorFlow Lite Micro as the runtime.

    Args:
        board: as for `build`.
        out: as for `build`.
        model: as for `build`.
        boards_dirs: as for `build`.
        tflm_dir: tree of TFLM's sources; by default [tflm] dir of ppg.toml, else $PPG_TFLM_DIR.
        arena: bytes of TFLM's arena; by default [tflm] arena of ppg.toml, else estimated.
        beside_aot: write OUT/firmware-tflm/ and leave OUT/firmware/ alone.
        verbose: keep the whole compiler log in errors.

    Raises:
        PpgDeployError: as `build`; no complete tree, or TFLM cannot run the model.
    """
    from ppg_deploy.tflm.step import build_with_tflm

    config = load_config(Path.cwd())
    return build_with_tflm(
        board=_chosen_board(board or config.build.board, boards_dirs),
        model=model if model is not None else out / handover.MODEL_NAME,
        folder=out / (TFLM_FOLDER if beside_aot else FIRMWARE_FOLDER),
        tflm_dir=tflm_dir,
        config=config.tflm,
        arena_bytes=arena,
        verbose=verbose,
    )


def _chosen_board(name: str | None, boards_dirs: Sequence[Path]) -> "Board":
    from ppg_deploy.boards import load_board

    if name is None:
        raise InputError("no board chosen", hint="give --board ID or [build] board in ppg.toml")
    return load_board(name, boards_dirs=boards_dirs)


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
    boards_dirs: Sequence[Path] = (),
    progress: "Progress" = _ignore_progress,
    folder: str = FIRMWARE_FOLDER,
) -> "Report":
    """Stream windows through the firmware of OUT/firmware; write OUT/report.json and OUT/outputs.npz.

    Args:
        out: folder of the results.
        port: serial port of a board that runs this firmware.
        emulator: emulator to run the ELF in; exactly one of `port` and `emulator` must be given.
        data: windows file; the calibration windows by default.
        count: inferences to count exactly (unicorn).
        baud: overrides the board's baud rate.
        timing_model: estimates the cycles of counted inferences (unicorn); by default the board's, else its core's.
        sliding: stream the windows a second time, as pushes; needs a build with hop.
        boards_dirs: folders with boards of the user's own.
        progress: called after each window with (done, total).
        folder: the project in OUT; of firmware-tflm the results are OUT/report-tflm.json and OUT/outputs-tflm.npz.

    Raises:
        PpgDeployError: no build, wrong windows, missing emulator, or a device that does not answer.
            Differing outputs are not an error here: they are in the report.
    """
    from ppg_deploy.bench import measure, prepare_plan, summarise
    from ppg_deploy.bench.summary import device_bpm
    from ppg_deploy.boards import list_boards, load_board
    from ppg_deploy.build import read_build
    from ppg_deploy.ports import emulated_board, open_emulator, open_serial
    from ppg_deploy.project import load_manifest

    if (port is None) == (emulator is None):
        raise InputError("give exactly one of --port and --emulator", hint="for example: --emulator unicorn")
    if timing_model is not None and emulator != "unicorn":
        raise InputError(
            "a timing model needs exact counts, which only the emulator unicorn makes",
            hint="add --emulator unicorn, or leave --timing-model out",
        )
    project = out / folder
    manifest = load_manifest(project)
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
        assert port is not None
        connection = open_serial(port, baud or board.uart.baud)
    try:
        measurement = measure(plan, connection, count=count, sliding=sliding, progress=progress)
        report = summarise(plan, measurement, connection)
    finally:
        connection.close()
    bpm = device_bpm(plan, measurement.outputs)
    files.write_npz(
        out / (TFLM_OUTPUTS_NAME if folder == TFLM_FOLDER else OUTPUTS_NAME),
        {f"y_{measurement.outputs.dtype}": measurement.outputs}
        | ({} if measurement.sliding is None else {"y_sliding": measurement.sliding.outputs})
        | ({} if bpm is None else {"bpm": bpm.raw, "bpm_filtered": bpm.filtered}),
    )
    files.write_text(out / report_name(folder), report.model_dump_json(indent=2) + "\n")
    return report


def report_name(folder: str) -> str:
    """Name of the report of the firmware project `folder`."""
    return TFLM_REPORT_NAME if folder == TFLM_FOLDER else REPORT_NAME


def inspect(model: Path, *, out: Path | None = None, boards_dirs: Sequence[Path] = ()) -> "AuditReport":
    """What a .tflite file of any origin holds, what is wrong with it, and on which boards it would fit.

    Args:
        model: the .tflite file.
        out: folder for inspect.json; None writes nothing.
        boards_dirs: folders with boards of the user's own.

    Raises:
        InputError: the file cannot be read as TensorFlow Lite. Errors in the model are findings of the report.
    """
    from ppg_deploy.audit import INSPECT_NAME, audit_file

    report = audit_file(model, boards_dirs=boards_dirs)
    if out is not None:
        files.write_text(out / INSPECT_NAME, report.model_dump_json(indent=2) + "\n")
    return report
