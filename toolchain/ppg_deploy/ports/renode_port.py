"""The `renode` emulator as a port: the board that its renode.repl describes, its UART on a pseudo-terminal.

The board's clock and Renode's pace agree (PerformanceInMips is the clock in MHz), so that the device's cycle counter
counts instructions. test_renode_platforms.py holds the files to that.
"""

import atexit
import contextlib
import shutil
import threading
from pathlib import Path
from typing import Any

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError, PpgDeployError
from ppg_deploy.ports.connection import Connection
from ppg_deploy.ports.emulated_board import RENODE_PLATFORM, EmulatedBoard
from ppg_deploy.ports.renode_process import DEFAULT_LIMITS, Limits, RenodeProcess
from ppg_deploy.ports.renode_program import find_renode

BOOT_WAIT_S = 60.0
_WRITE_LIMIT_S = 30.0
_MACHINE = "dut"
_TERMINAL = "tty"
# No rate is simulated on a pseudo-terminal; pyserial wants one.
_BAUD = 115_200


class RenodeStream:
    """Serial stream to the firmware. When Renode has ended, reading and writing raise DeviceError."""

    def __init__(self, process: RenodeProcess, line: Any) -> None:
        self.timeout: float | None = 1.0
        self._process = process
        self._line = line
        self._is_closed = False
        self._closing = threading.Lock()

    def read(self, size: int = 1, /) -> bytes:
        """See `SerialStream.read`."""
        try:
            self._line.timeout = self.timeout
            data = bytes(self._line.read(size))
        except (OSError, TypeError, ValueError) as error:
            raise self._ended() from error
        if not data and not self._process.is_running:
            raise self._ended()
        return data

    def write(self, data: bytes, /) -> int | None:
        """See `SerialStream.write`."""
        try:
            self._line.write(data)
        except (OSError, TypeError, ValueError) as error:
            raise self._ended() from error
        return len(data)

    def executed_instructions(self) -> int:
        """Instructions that the core has executed since the machine was made, interrupts and waiting included.

        Raises:
            DeviceError: Renode does not answer.
        """
        said = self._process.command("sysbus.cpu ExecutedInstructions")
        try:
            return int(said, 0)
        except ValueError as error:
            raise DeviceError(
                f"Renode says {said!r} instead of a number of instructions", hint="report this version"
            ) from error

    def close(self) -> None:
        """See `SerialStream.close`."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        atexit.unregister(self.close)
        with contextlib.suppress(OSError):
            self._line.close()
        self._process.close()

    def _ended(self) -> PpgDeployError:
        if self._is_closed:
            return DeviceError("the emulator was closed", hint="open it again")
        return self._process.failure("Renode ended the connection")


def open_renode(
    elf: Path, board: EmulatedBoard, *, program: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> Connection:
    """Start `elf` on Renode's model of `board`; `program` is Renode, by default $RENODE, else on PATH.

    Raises:
        EnvironmentProblem: Renode is not installed, too old or does not start, or it has no model of the board.
        InputError: there is no file `elf`.
        DeviceError: Renode refuses the board's description or the firmware.
    """
    if board.renode_uart is None:
        raise EnvironmentProblem(
            f"the renode emulator has no model of board {board.id}",
            hint="use --emulator unicorn, or a board that has [emulators.renode] in its board.toml",
        )
    if board.renode_platform is None:
        raise EnvironmentProblem(
            f"board {board.id}: there is no {RENODE_PLATFORM} beside its board.toml",
            hint=f"add boards/{board.id}/{RENODE_PLATFORM}, or remove [emulators.renode]",
        )
    if not elf.is_file():
        raise InputError(f"there is no firmware {elf}", hint="build the firmware first: ppg-deploy build")
    found, version = find_renode(program)
    process = RenodeProcess(found, limits)
    try:
        line = _power_on(process, elf, board.renode_platform, board.renode_uart)
    except BaseException:
        process.close()
        raise
    stream = RenodeStream(process, line)
    atexit.register(stream.close)
    return Connection(
        stream=stream,
        source=f"renode {version} {board.id}",
        emulator="renode",
        instruction_counter=None,
        instructions_per_tick=1.0,
        ticks_valid=True,
        boot_wait_s=BOOT_WAIT_S,
    )


def _power_on(process: RenodeProcess, elf: Path, platform: Path, uart: str) -> Any:
    import serial

    # Copies, because a path in a monitor command must not hold a space.
    image = Path(shutil.copyfile(elf, process.folder / "firmware.elf"))
    description = Path(shutil.copyfile(platform, process.folder / RENODE_PLATFORM))
    terminal = process.folder / _TERMINAL
    process.log_to_file()
    for command in (
        f'mach create "{_MACHINE}"',
        f"machine LoadPlatformDescription @{description}",
        # Virtual time passes as fast as it can be computed; by default it is held back to real time.
        "emulation SetGlobalAdvanceImmediately true",
        f'emulation CreateUartPtyTerminal "{_TERMINAL}" "{terminal}" true',
        f"connector Connect sysbus.{uart} {_TERMINAL}",
        f"sysbus LoadELF @{image}",
    ):
        process.command(command)
    try:
        # Before the start, or the boot message is lost.
        line = serial.Serial(str(terminal), _BAUD, timeout=1.0, write_timeout=_WRITE_LIMIT_S)
    except (OSError, ValueError) as error:
        raise process.failure(f"Renode's pseudo-terminal cannot be opened ({error})") from error
    process.command("start")
    return line
