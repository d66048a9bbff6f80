"""From a rendered project to firmware.elf, its other formats, size.json and build.json."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ppg_deploy.building.compiler import find_compiler, require_cpp
from ppg_deploy.building.fit import check_arena_fits, overflow_in
from ppg_deploy.building.lock import folder_lock
from ppg_deploy.building.platformio import (
    BUILD_SECONDS,
    LIBRARY_BUILD_SECONDS,
    platformio_version,
    run_platformio,
)
from ppg_deploy.building.size import SizeReport, measure_size
from ppg_deploy.errors import EnvironmentProblem, InputError, InternalError
from ppg_deploy.files import sha256_of_file, write_bytes, write_text
from ppg_deploy.project import Project, load_manifest

ELF_NAME = "firmware.elf"
SIZE_NAME = "size.json"
RECORD_NAME = "build.json"

_IMAGE_NAMES = (ELF_NAME, "firmware.bin", "firmware.hex", "firmware.map")
# newlib's sbrk takes memory from the symbol `end` on, which our linker script leaves out on purpose.
_WANTS_HEAP = "undefined reference to `end'"
_ERROR_LINE = re.compile(r"^.*(?:\berror:|undefined reference to|\*\*\* \[).*$", re.MULTILINE | re.IGNORECASE)


class _BuildRecord(BaseModel):
    """Contents of build.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    build_id: str
    elf_sha256: str
    compiler_version: str
    platformio_version: str
    flags: tuple[str, ...]
    kernel_flags: tuple[str, ...]
    wall_s: float


@dataclass(frozen=True)
class BuildResult:
    """A finished build."""

    elf: Path
    size: SizeReport
    build_id: str
    """As the firmware reports it (`PPG_BUILD_ID`)."""
    elf_sha256: str
    compiler_version: str
    platformio_version: str
    flags: tuple[str, ...]
    """Compiler flags of every file, core flags left out."""
    kernel_flags: tuple[str, ...]
    """Compiler flags added for src/runtime."""
    wall_s: float
    """Wall-clock time of the build, seconds."""


def _first_error(output: str) -> str:
    match = _ERROR_LINE.search(output)
    if match:
        return match[0].strip()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def _remove_outputs(folder: Path) -> None:
    """An old image must not be mistaken for that of the new sources when the build fails."""
    for name in (*_IMAGE_NAMES, SIZE_NAME, RECORD_NAME):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise EnvironmentProblem(
                f"cannot remove {folder / name}: {error.strerror}", hint="check the permissions of the folder"
            ) from error


def build_firmware(project: Project, *, verbose: bool = False) -> BuildResult:
    """Compile and link `project` with PlatformIO, without any network, and measure the image.

    Writes firmware.elf, .bin, .hex and .map, size.json and build.json into the project's folder. When it fails, none
    of them is there.

    Args:
        project: what `render_project` returned.
        verbose: put the whole build log into the error when the build fails.

    Raises:
        EnvironmentProblem: compiler, PlatformIO or SCons is missing, the folder cannot be written, or the build took
            too long.
        DoesNotFitError: the image exceeds the board's flash or RAM.
        InternalError: the rendered sources do not compile.
    """
    started = time.monotonic()
    folder, board = project.folder, project.board
    limit_s = BUILD_SECONDS if project.manifest.library is None else LIBRARY_BUILD_SECONDS
    with folder_lock(folder / ".pio" / "ppg-deploy.lock", limit_s=limit_s):
        _remove_outputs(folder)
        compiler = find_compiler()
        if project.manifest.library is not None:
            require_cpp(compiler)
        check_arena_fits(board, project.manifest)
        outcome = run_platformio(folder, board.platformio_id, verbose=verbose, limit_s=limit_s)
        if outcome.exit_code:
            overflow = overflow_in(outcome.output, board)
            if overflow:
                raise overflow
            if _WANTS_HEAP in outcome.output:
                raise InternalError(
                    f"the firmware in {folder} allocates memory at run time, and there is no heap",
                    hint="give it its memory at compile time; --verbose shows which function allocates",
                )
            detail = outcome.output if verbose else _first_error(outcome.output)
            raise InternalError(
                f"the firmware in {folder} does not compile: {detail}",
                hint="run it with --verbose for the whole log" if not verbose else "report this as a bug",
            )
        built = folder.absolute() / ".pio" / "build" / board.platformio_id
        size = measure_size(
            elf_path=built / ELF_NAME,
            map_path=built / "firmware.map",
            board=board,
            arena_symbol=project.manifest.arena_symbol,
        )
        record = _BuildRecord(
            build_id=project.build_id,
            elf_sha256=sha256_of_file(built / ELF_NAME),
            compiler_version=compiler.version,
            platformio_version=platformio_version(),
            flags=project.manifest.flags,
            kernel_flags=project.manifest.kernel_flags,
            wall_s=round(time.monotonic() - started, 3),
        )
        for name in _IMAGE_NAMES:
            write_bytes(folder / name, (built / name).read_bytes())
        write_text(folder / SIZE_NAME, size.model_dump_json(indent=2) + "\n")
        write_text(folder / RECORD_NAME, record.model_dump_json(indent=2) + "\n")
    return _result(folder, size, record)


def _result(folder: Path, size: SizeReport, record: _BuildRecord) -> BuildResult:
    return BuildResult(elf=folder / ELF_NAME, size=size, **record.model_dump())


def read_build(folder: Path) -> BuildResult:
    """The result of an earlier `build_firmware` in `folder`.

    Raises:
        InputError: there is no finished build, its files are damaged, or the image is not the one that was built.
    """
    manifest = load_manifest(folder)
    again = "run ppg-deploy build again"
    try:
        record = _BuildRecord.model_validate_json((folder / RECORD_NAME).read_bytes())
        size = SizeReport.model_validate_json((folder / SIZE_NAME).read_bytes())
        elf_sha256 = sha256_of_file(folder / ELF_NAME)
    except OSError as error:
        raise InputError(f"{folder} holds no finished build: {error}", hint=again) from error
    except ValidationError as error:
        raise InputError(f"{folder}: {error.title} is damaged", hint=again) from error
    if record.build_id != manifest.build_id or record.elf_sha256 != elf_sha256:
        raise InputError(f"{folder / ELF_NAME} does not belong to the sources beside it", hint=again)
    return _result(folder, size, record)
