"""A board that runs the build that is to be measured: find its port, ask what it runs, flash it when that differs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ppg_deploy.boards import Board
from ppg_deploy.building import BuildResult
from ppg_deploy.errors import DeviceError
from ppg_deploy.flash import choose_method, flash_firmware
from ppg_deploy.ports import Connection, open_serial
from ppg_deploy.ports.find import find_port
from ppg_deploy.ports.usb import describe, serial_ports
from ppg_deploy.wire import Client, DeviceInfo

_BOOT_WAIT_SECONDS = 1.0
"""A running board sends no boot message when its port is opened; one that does is reset by that, and quick."""
_HELLO_SECONDS = 4.0
"""For the boot message and three attempts at a question."""
_AFTER_FLASH_SECONDS = 10.0
_REOPEN_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Wanted:
    """What is to run, where, and what may be done about it.

    `port` is looked for by USB ids when None; `method` and `probe_serial` are for flashing.
    """

    board: Board
    built: BuildResult
    folder: Path
    baud: int
    port: str | None = None
    may_flash: bool = True
    method: str | None = None
    probe_serial: str | None = None


def attach(wanted: Wanted, say: Callable[[str], None]) -> Connection:
    """An open port to a board that runs the wanted build; the caller closes it.

    Raises:
        InputError: no or several ports match, or the board cannot be flashed that way.
        EnvironmentProblem: a port or probe may not be used, or a tool is missing.
        DeviceError: another build runs and flashing is forbidden or failed, or nothing answers afterwards.
    """
    port = wanted.port
    if port is None:
        found = find_port(wanted.board, serial=wanted.probe_serial)
        port = found.device
        say(f"took the only port that looks like board {wanted.board.id}: {describe(found)}")
    connection = open_serial(port, wanted.baud)
    try:
        trouble = _trouble(wanted, connection, port)
    except BaseException:
        connection.close()
        raise
    if trouble is None:
        # It has just answered: no need to wait for its boot message again.
        return replace(connection, boot_wait_s=0.0)
    connection.close()
    if not wanted.may_flash:
        raise trouble
    say(f"{trouble.message}; flashing")
    result = flash_firmware(
        wanted.folder,
        wanted.board,
        method=wanted.method,
        probe_serial=wanted.probe_serial or _probe_of(wanted, port),
        say=say,
    )
    say(f"flashed by {result.method} in {result.wall_s:.1f} s")
    return _reopen(wanted, port)


def _trouble(wanted: Wanted, connection: Connection, port: str) -> DeviceError | None:
    """Why the device at `port` cannot be measured as it is."""
    try:
        info = _hello(connection, _HELLO_SECONDS)
    except DeviceError as error:
        return error
    return _other_build(wanted, info, port)


def _hello(connection: Connection, limit_s: float) -> DeviceInfo:
    return Client(connection.stream).connect(boot_wait_s=_BOOT_WAIT_SECONDS, timeout_s=limit_s)


def _other_build(wanted: Wanted, info: DeviceInfo, port: str) -> DeviceError | None:
    if info.build_id == wanted.built.build_id:
        return None
    return DeviceError(
        f"the device at {port} ({info.board_id}) runs build {info.build_id}, "
        f"{wanted.folder} holds build {wanted.built.build_id} for {wanted.board.id}",
        hint="leave --no-flash out, or write the image with ppg-deploy flash",
    )


def _probe_of(wanted: Wanted, port: str) -> str | None:
    """Serial number of the probe that `port` belongs to, so that no other board is flashed by mistake."""
    vendors = choose_method(wanted.board, wanted.method).vendor_ids
    for found in serial_ports():
        if found.device == port and found.vendor_id in vendors:
            return found.serial_number
    return None


def _reopen(wanted: Wanted, port: str) -> Connection:
    """The port of a board that has just been flashed; a port that belongs to its probe may be away for a moment."""
    end = time.monotonic() + _AFTER_FLASH_SECONDS
    while True:
        try:
            connection = open_serial(port, wanted.baud)
            break
        except DeviceError:
            if time.monotonic() >= end:
                raise
            time.sleep(_REOPEN_POLL_SECONDS)
    try:
        info = _hello(connection, _AFTER_FLASH_SECONDS)
        other = _other_build(wanted, info, port)
    except BaseException:
        connection.close()
        raise
    if other is not None:
        connection.close()
        raise DeviceError(
            f"after flashing, {other.message.removeprefix('the ')}",
            hint="another board was flashed than the one at this port: name its probe with --probe-serial",
        )
    return replace(connection, boot_wait_s=0.0)
