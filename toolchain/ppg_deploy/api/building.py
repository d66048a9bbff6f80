"""build(), build_tflm() and flash()."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ppg_deploy import files, handover
from ppg_deploy.api.dialects import console_baud, runner_files, spoken
from ppg_deploy.api.names import DEFAULT_OUT, FIRMWARE_FOLDER, TFLM_FOLDER, FilePath, as_path, ignore_line
from ppg_deploy.config import load_config
from ppg_deploy.errors import InputError, InternalError

if TYPE_CHECKING:
    from ppg_deploy.boards import Board
    from ppg_deploy.building import BuildResult
    from ppg_deploy.compile import CompiledModel
    from ppg_deploy.eembc import RunnerFiles
    from ppg_deploy.flash import FlashResult
    from ppg_deploy.project import Dialect, Project
    from ppg_deploy.tflm.step import TflmOutcome

# Of flash, beside model and kernels: about twice what application, protocol and board support take today.
_APPLICATION_BYTES = 16 * 1024


@dataclass(frozen=True)
class BuildOutcome:
    """A built firmware project. `runner_files` of an EEMBC dialect, where there are windows to write."""

    project: "Project"
    compiled: "CompiledModel"
    result: "BuildResult"
    runner_files: "RunnerFiles | None" = None


def build(
    *,
    board: str | None = None,
    out: FilePath = DEFAULT_OUT,
    model: FilePath | None = None,
    boards_dirs: Sequence[Path] = (),
    optimize: Literal["speed", "balanced", "size"] | None = None,
    hop: int | Literal["auto"] | None = None,
    ram_budget: int | None = None,
    dialect: "Dialect" = "ppg",
    baud: int | None = None,
    kernel_flags: Sequence[str] | None = None,
    power: bool = False,
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
        dialect: what the firmware answers: our own protocol, or EEMBC's commands; see docs/eembc.md.
        baud: rate of the console in bit/s; by default [build] baud of ppg.toml, else the board's own; with an EEMBC
            dialect the runner's 115200.
        kernel_flags: compiler flags of the kernels, added after those of every file; by default [build] kernel_flags
            of ppg.toml, else -O2. The kernels are chosen as if it were -O2.
        power: the image can measure power, for bench(energy=...).
        verbose: keep the whole compiler log in errors.

    Raises:
        PpgDeployError: unknown board, unsupported model, missing compiler, it does not fit, or successive windows
            share nothing.
    """
    from ppg_deploy.building import build_firmware
    from ppg_deploy.compile import Optimize, compile_graph, decisions_json, operators_of
    from ppg_deploy.hop import resolve_hop
    from ppg_deploy.project import (
        DEFAULT_FLAGS,
        DEFAULT_KERNEL_FLAGS,
        POWER_FLAG,
        SMALL_FLAGS,
        ModelSources,
        render_project,
    )
    from ppg_deploy.tflite import read_tflite

    out = Path(out)
    configured = load_config(Path.cwd()).build
    name = board or configured.board
    objective = Optimize(optimize or configured.optimize)
    chosen = _chosen_board(name, boards_dirs, console_baud(dialect, baud, configured.baud))
    model_path = Path(model) if model is not None else out / handover.MODEL_NAME
    graph = read_tflite(model_path)
    tflite = model_path.read_bytes()
    said = spoken(dialect, board=chosen, graph=graph, model=model_path, out=out, power=power)
    model_sha256 = files.sha256(tflite)
    samples = resolve_hop(
        configured.hop if hop is None else hop,
        quantize_json=out / handover.FILE_NAME,
        model_sha256=model_sha256,
    )
    if samples is not None and said.model_id is not None:
        raise InputError(
            f"the dialect {dialect} has no command for sliding windows",
            hint="build it without --hop and without [build] hop in ppg.toml",
        )
    own_flags = configured.kernel_flags if kernel_flags is None else kernel_flags
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
        board=said.board,
        application=said.application,
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
        flags=(
            *(SMALL_FLAGS if objective is Optimize.SIZE else DEFAULT_FLAGS),
            *((POWER_FLAG,) if power else ()),
        ),
        kernel_flags=DEFAULT_KERNEL_FLAGS if own_flags is None else tuple(own_flags),
    )
    try:
        result = build_firmware(project, verbose=verbose)
    except InternalError as error:
        if own_flags is None:
            raise
        raise InputError(
            error.message, hint=f"check the flags given for the kernels: {' '.join(own_flags)}"
        ) from error
    files.write_bytes(folder / handover.MODEL_NAME, tflite)
    files.write_text(
        folder / handover.OPERATORS_NAME, operators_of(compiled).model_dump_json(indent=2) + "\n"
    )
    files.write_bytes(folder / handover.EXPLAIN_NAME, decisions_json(compiled.decisions))
    return BuildOutcome(project, compiled, result, runner_files(said, graph=graph, model=model_path, out=out))


def build_tflm(
    *,
    board: str | None = None,
    out: FilePath = DEFAULT_OUT,
    model: FilePath | None = None,
    boards_dirs: Sequence[Path] = (),
    tflm_dir: FilePath | None = None,
    arena: int | None = None,
    baud: int | None = None,
    beside_aot: bool = False,
    dialect: "Dialect" = "ppg",
    power: bool = False,
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
        baud: as for `build`.
        beside_aot: write OUT/firmware-tflm/ and leave OUT/firmware/ alone.
        dialect: as for `build`.
        power: as for `build`.
        verbose: keep the whole compiler log in errors.

    Raises:
        PpgDeployError: as `build`; no complete tree, or TFLM cannot run the model.
    """
    from ppg_deploy.tflite import read_tflite
    from ppg_deploy.tflm.step import build_with_tflm

    out = Path(out)
    config = load_config(Path.cwd())
    model_path = Path(model) if model is not None else out / handover.MODEL_NAME
    chosen = _chosen_board(
        board or config.build.board, boards_dirs, console_baud(dialect, baud, config.build.baud)
    )
    graph = read_tflite(model_path)
    said = spoken(dialect, board=chosen, graph=graph, model=model_path, out=out, power=power)
    outcome = build_with_tflm(
        board=said.board,
        application=said.application,
        model=model_path,
        folder=out / (TFLM_FOLDER if beside_aot else FIRMWARE_FOLDER),
        tflm_dir=as_path(tflm_dir),
        config=config.tflm,
        arena_bytes=arena,
        power=power,
        verbose=verbose,
    )
    return replace(outcome, runner_files=runner_files(said, graph=graph, model=model_path, out=out))


def _chosen_board(name: str | None, boards_dirs: Sequence[Path], baud: int | None) -> "Board":
    from ppg_deploy.boards import load_board, with_baud

    if name is None:
        raise InputError("no board chosen", hint="give --board ID or [build] board in ppg.toml")
    board = load_board(name, boards_dirs=boards_dirs)
    return board if baud is None else with_baud(board, baud)


def flash(
    *,
    out: FilePath = DEFAULT_OUT,
    method: str | None = None,
    probe_serial: str | None = None,
    port: str | None = None,
    limit_s: float | None = None,
    boards_dirs: Sequence[Path] = (),
    say: Callable[[str], None] = ignore_line,
) -> "FlashResult":
    """Write the image of OUT/firmware onto its board; arguments and errors as `flash_firmware`."""
    from ppg_deploy.boards import load_board
    from ppg_deploy.flash import flash_firmware
    from ppg_deploy.project import load_manifest

    folder = Path(out) / FIRMWARE_FOLDER
    board = load_board(load_manifest(folder).board, boards_dirs=boards_dirs)
    return flash_firmware(
        folder, board, method=method, probe_serial=probe_serial, port=port, limit_s=limit_s, say=say
    )
