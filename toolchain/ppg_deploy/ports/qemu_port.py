"""The `qemu` emulator as a port: qemu-system-arm as a child process, its UART on one end of a socket pair.

`-icount shift=0` makes QEMU's clock advance by 1 ns per instruction, so that ticks of the SysTick timer, which QEMU
drives at a fixed rate per machine, are a count of instructions.
"""

import atexit
import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports.connection import Connection
from ppg_deploy.ports.emulated_board import EmulatedBoard

PROGRAM = "qemu-system-arm"
BOOT_WAIT_S = 30.0
_INSTRUCTIONS_PER_SECOND = 1e9
_VERSION_LIMIT_S = 20.0
_WRITE_LIMIT_S = 30.0
_END_LIMIT_S = 5.0
_ERROR_BYTES = 2000


class QemuStream:
    """Serial stream to the firmware in a child process. When that ends, reading and writing raise DeviceError."""

    def __init__(self, line: socket.socket, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self.timeout: float | None = 1.0
        self._line = line
        self._process = process
        self._errors = errors
        self._is_closed = False
        line.settimeout(_WRITE_LIMIT_S)

    def read(self, size: int = 1, /) -> bytes:
        """See `SerialStream.read`."""
        end = None if self.timeout is None else time.monotonic() + self.timeout
        received = bytearray()
        while len(received) < size:
            remaining = None if end is None else max(0.0, end - time.monotonic())
            try:
                readable, _, _ = select.select([self._line], [], [], remaining)
                if not readable:
                    break
                piece = self._line.recv(size - len(received))
            except (OSError, ValueError) as error:
                raise self._ended() from error
            if not piece:
                raise self._ended()
            received += piece
        return bytes(received)

    def write(self, data: bytes, /) -> int | None:
        """See `SerialStream.write`."""
        try:
            self._line.sendall(data)
        except OSError as error:
            raise self._ended() from error
        return len(data)

    def close(self) -> None:
        """See `SerialStream.close`."""
        if self._is_closed:
            return
        self._is_closed = True
        atexit.unregister(self.close)
        self._line.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_END_LIMIT_S)
        self._errors.close()

    def _ended(self) -> DeviceError:
        if self._is_closed:
            return DeviceError("the emulator was closed", hint="open it again")
        try:
            status = str(self._process.wait(_END_LIMIT_S))
        except subprocess.TimeoutExpired:
            status = "none, it still runs"
        self._errors.seek(0)
        said = self._errors.read()[-_ERROR_BYTES:].decode(errors="replace").strip()
        return DeviceError(
            f"{PROGRAM} ended the connection (exit status {status}): {said or 'it said nothing'}",
            hint="check that this version of QEMU knows the board's machine",
        )


def open_qemu(elf: Path, board: EmulatedBoard) -> Connection:
    """Start `elf` on QEMU's model of `board`.

    Raises:
        EnvironmentProblem: qemu-system-arm is not installed, or has no model of the board.
        InputError: there is no file `elf`.
    """
    if board.qemu_machine is None or board.qemu_serial is None or board.systick_hz is None:
        raise EnvironmentProblem(
            f"QEMU has no model of board {board.id}",
            hint="use --emulator unicorn, or a board that QEMU models",
        )
    if not elf.is_file():
        raise InputError(f"there is no firmware {elf}", hint="build the firmware first: ppg-deploy build")
    program = shutil.which(PROGRAM)
    if program is None:
        raise EnvironmentProblem(
            f"{PROGRAM} is not installed",
            hint="sudo apt-get install qemu-system-arm, or use --emulator unicorn",
        )
    version = _version(program)
    stream = _start(program, elf, board.qemu_machine, board.qemu_serial)
    return Connection(
        stream=stream,
        source=f"qemu {version} {board.qemu_machine}",
        emulator="qemu",
        instruction_counter=None,
        instructions_per_tick=_INSTRUCTIONS_PER_SECOND / board.systick_hz,
        ticks_valid=True,
        boot_wait_s=BOOT_WAIT_S,
    )


def _start(program: str, elf: Path, machine: str, serial_index: int) -> QemuStream:
    ours, theirs = socket.socketpair()
    # A file, not a pipe: nobody reads a pipe while QEMU runs, and a full one would stop it.
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - the stream closes it
    unused_serials = ["-serial", "null"] * serial_index
    command = [
        *(program, "-machine", machine, "-kernel", str(elf)),
        *("-display", "none", "-monitor", "none", "-icount", "shift=0,sleep=off"),
        *("-chardev", f"socket,id=console,fd={theirs.fileno()}"),
        *unused_serials,
        *("-serial", "chardev:console"),
    ]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=[theirs.fileno()],
            process_group=0,
        )
    except OSError as error:
        ours.close()
        errors.close()
        raise EnvironmentProblem(
            f"{program} does not run: {error}", hint="reinstall qemu-system-arm"
        ) from error
    finally:
        theirs.close()
    stream = QemuStream(ours, process, errors)
    atexit.register(stream.close)
    return stream


def _version(program: str) -> str:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_LIMIT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentProblem(
            f"{program} does not run: {error}", hint="reinstall qemu-system-arm"
        ) from error
    match = re.search(r"version (\d+(\.\d+)+)", answer)
    return match[1] if match else "of unknown version"
