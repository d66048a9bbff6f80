"""Writing the image of OUT/firmware onto a board, through PlatformIO's upload."""

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ppg_deploy.ask import Answer, ask
from ppg_deploy.boards import Board
from ppg_deploy.building import BuildResult, read_build
from ppg_deploy.building.compiler import find_compiler
from ppg_deploy.building.lock import folder_lock
from ppg_deploy.building.platformio import clean_environment, core_folder, prepare_core
from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.files import sha256, write_bytes
from ppg_deploy.flash.failure import explain
from ppg_deploy.flash.methods import Method, alternatives, choose_method
from ppg_deploy.flash.probe import check_serial, check_unambiguous, find_disk, find_probe
from ppg_deploy.ports.find import find_bootloader
from ppg_deploy.ports.usb import usb_devices
from ppg_deploy.project import load_manifest

_IMAGE = ".pio/flash/firmware"
"""The checked copy of the image in the project's folder, without suffix."""

_LOCK_SECONDS = 30.0
_START_SECONDS = 60.0
_SLOWEST_BYTES_PER_SECOND = 4000.0
"""Writing and reading back together; an ST-LINK/V2-1 does about four times that (from memory)."""

_NOT_PRINTED = re.compile(
    r"^(?:Processing|Verbose mode|CONFIGURATION|PLATFORM|HARDWARE|PACKAGES|LDF|Dependency|Found \d+ comp|Scanning"
    r"|No dep|AVAILABLE|CURRENT|Configuring|Building|Checking|Advanced|Licensed|For bug reports|http|debug_level"
    r"|Open On-Chip|Environment|-+|=+|\s*$)"
)


class FlashResult(BaseModel):
    """What was written, and how it is known to have arrived."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    board: str
    method: str
    build_id: str
    elf_sha256: str
    probe_serial: str | None
    port: str | None
    verified: str | None
    """What the tool said after reading the flash back; null when it does not read back."""
    wall_s: float


def _ignore(stage: str) -> None:
    """Stands in where the caller wants no progress."""


def flash_firmware(
    folder: Path,
    board: Board,
    *,
    method: str | None = None,
    probe_serial: str | None = None,
    port: str | None = None,
    limit_s: float | None = None,
    say: Callable[[str], None] = _ignore,
) -> FlashResult:
    """Write the image of the built project `folder` onto `board` and have it verified.

    Only the ELF that `build` recorded is written: its hash is checked, and a private copy goes to the tool.

    Args:
        folder: OUT/firmware.
        board: the board it was built for.
        method: one of the board's `flashing.methods`; its default when None.
        probe_serial: serial number of the probe, where several are plugged in.
        port: serial port of a bootloader (bossac) or folder of the probe's disk (mbed).
        limit_s: time limit of the writing, seconds; by default a minute and the image's size at 4 kB/s.
        say: called with each line of progress.

    Raises:
        InputError: there is no finished build, it was made by an older ppg-deploy or for another board, or the board
            has no such method.
        EnvironmentProblem: the tool is missing, or the probe may not be used.
        DeviceError: no probe or chip answers, time is up, or the flash does not hold what was written.
    """
    started = time.monotonic()
    chosen = choose_method(board, method)
    check_serial(probe_serial)
    built = read_build(folder)
    _require_current(folder, board)
    _require_programs(board, chosen)
    # objcopy of the same compiler makes the other formats; without it PlatformIO would search the network.
    find_compiler()
    if chosen.name == "mbed":
        port = find_disk(board, chosen, port)
    elif chosen.name == "bossac" and port is None:
        port = find_bootloader(board).device
    check_unambiguous(chosen, probe_serial, usb_devices())
    say(f"looking for the probe ({chosen.title})")
    find_probe(board, chosen, probe_serial)
    with folder_lock(folder / ".pio" / "ppg-deploy.lock", limit_s=_LOCK_SECONDS):
        image_bytes = _copy_image(folder, built)
        limit = limit_s or _START_SECONDS + image_bytes / _SLOWEST_BYTES_PER_SECOND
        answer = _upload(folder, board, chosen, probe_serial, port, limit, say)
    verified = _verification(board, chosen, probe_serial, answer)
    return FlashResult(
        board=board.id,
        method=chosen.name,
        build_id=built.build_id,
        elf_sha256=built.elf_sha256,
        probe_serial=probe_serial,
        port=port,
        verified=verified,
        wall_s=round(time.monotonic() - started, 3),
    )


def _require_programs(board: Board, method: Method) -> None:
    missing = method.missing_programs()
    if missing:
        raise EnvironmentProblem(
            f"flashing board {board.id} by {method.name} needs {', '.join(missing)}, not found on PATH",
            hint=f"{method.install}; {alternatives(board, method)}",
        )


def _require_current(folder: Path, board: Board) -> None:
    manifest = load_manifest(folder)
    if manifest.board != board.id:
        raise InputError(
            f"the firmware in {folder} was built for board {manifest.board}, not {board.id}",
            hint=f"run ppg-deploy build --board {board.id}",
        )
    if not any(name.endswith("/builder/upload.py") for name in manifest.files):
        raise InputError(
            f"the firmware in {folder} was built by an older ppg-deploy, whose projects cannot be flashed by this one",
            hint="run ppg-deploy build again",
        )


def _copy_image(folder: Path, built: BuildResult) -> int:
    """Copy the ELF to where the upload takes it from; returns the bytes of flash that it fills."""
    elf = built.elf.read_bytes()
    if sha256(elf) != built.elf_sha256:
        raise InputError(f"{built.elf} has just been changed", hint="run ppg-deploy build again")
    write_bytes(folder / f"{_IMAGE}.elf", elf)
    return built.size.flash_bytes


def _upload(
    folder: Path,
    board: Board,
    method: Method,
    serial: str | None,
    port: str | None,
    limit_s: float,
    say: Callable[[str], None],
) -> Answer:
    folder = folder.absolute()
    core = core_folder(folder)
    prepare_core(core)
    command = [sys.executable, "-m", "platformio", "run", "-d", str(folder), "-e", board.platformio_id]
    # The user's own build folder stays as it is, whatever this call resolves.
    command += ["--disable-auto-clean", "-t", "nobuild", "-t", "upload"]
    if port is not None:
        command += ["--upload-port", port]
    environment = {
        **clean_environment(core, os.environ),
        "PPG_UPLOAD_PROTOCOL": method.name,
        "PPG_UPLOAD_IMAGE": _IMAGE,
        "PPG_UPLOAD_SERIAL": serial or "",
    }
    if method.programs:
        environment["PPG_UPLOAD_PROGRAM"] = method.require_program(method.programs[0])
    say(f"writing {folder / 'firmware.elf'}")

    def report(line: str) -> None:
        if not _NOT_PRINTED.match(line):
            say(line)

    return ask(command, limit_s=limit_s, environment=environment, on_line=report)


def _verification(board: Board, method: Method, serial: str | None, answer: Answer) -> str | None:
    """The tool's words that the flash is right.

    Raises:
        PpgDeployError: it failed, or did not say so.
    """
    if answer.problem is not None:
        raise DeviceError(
            f"flashing board {board.id} by {method.name} was given up: "
            f"{method.programs[0] if method.programs else 'the copy'} {answer.problem}",
            hint=f"unplug the board and plug it in again, or allow more with --time-limit; "
            f"{alternatives(board, method)}",
        )
    if not answer.succeeded:
        raise explain(board, method, serial, answer)
    if method.verified is None:
        return None
    match = method.verified.search(answer.output)
    if match is None:
        raise DeviceError(
            f"{method.programs[0]} ended without an error, but did not verify the flash of board {board.id}",
            hint=f"check that the {method.programs[0]} on PATH is the real one; {alternatives(board, method)}",
        )
    return match[0].strip("* ")
