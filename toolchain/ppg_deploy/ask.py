"""Running programs of others with a time limit, whatever they do: hang, print for ever, or print garbage."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

ASK_SECONDS = 5.0
"""Longest time that a question such as `--version` may take."""

_MOST_BYTES = 256 * 1024
_PIECE_BYTES = 8192
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Answer:
    """How a program ended.

    `exit_code` is None when it did not start or had to be ended; `problem` then says why, in words that follow its
    name. `output` is standard output and standard error together, without control characters and with at most
    256 KiB of its beginning.
    """

    exit_code: int | None
    output: str
    problem: str | None = None

    @property
    def succeeded(self) -> bool:
        """It ended by itself with exit status 0."""
        return self.exit_code == 0


def find_program(name: str, *, variable: str | None = None) -> str | None:
    """Path of a program: what the environment `variable` names, else on PATH, else beside this Python.

    The last place is where pip puts programs of a virtual environment that is not active.
    """
    chosen = os.environ.get(variable, "") if variable else ""
    beside = str(Path(sys.executable).parent)
    return which(chosen or name) or which(chosen or name, path=beside)


def ask(
    command: Sequence[str],
    *,
    limit_s: float = ASK_SECONDS,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Answer:
    """Run `command` without input and wait until it ends, at most `limit_s` seconds.

    It runs in a process group of its own, which is ended with it. Never raises because of what the program does.

    Args:
        command: program and arguments.
        limit_s: time limit, seconds.
        environment: the whole environment; ours when None.
        on_line: called with each complete line as it comes.
    """
    end = time.monotonic() + limit_s
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Answer(None, "", f"does not start: {reason}")
    assert process.stdout is not None
    with process.stdout:
        received = _Lines(on_line)
        try:
            problem = _collect(process, received, end, limit_s)
        finally:
            # Also what it has started itself: a child may outlive it and keep the probe busy.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            exit_code = process.wait()
    return Answer(None if problem else exit_code, received.text(), problem)


def _collect(
    process: "subprocess.Popen[bytes]", received: "_Lines", end: float, limit_s: float
) -> str | None:
    """Read until the program ends; why it has to be ended, or None."""
    assert process.stdout is not None
    handle = process.stdout.fileno()
    while True:
        ended = process.poll() is not None
        remaining = end - time.monotonic()
        if remaining <= 0:
            return None if ended else f"did not end within {limit_s:g} s"
        wait_s = 0.0 if ended else min(_POLL_SECONDS, remaining)
        if select.select([handle], [], [], wait_s)[0]:
            piece = os.read(handle, _PIECE_BYTES)
            if not piece:
                try:
                    process.wait(max(0.0, remaining))
                except subprocess.TimeoutExpired:
                    return f"did not end within {limit_s:g} s"
                return None
            if not received.add(piece):
                return f"printed more than {_MOST_BYTES // 1024} KiB"
        elif ended:
            return None


class _Lines:
    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._data = bytearray()
        self._reported = 0

    def add(self, piece: bytes) -> bool:
        """Keep `piece`; False when it is too much."""
        self._data += piece[: _MOST_BYTES - len(self._data)]
        while self._on_line is not None and (newline := self._data.find(b"\n", self._reported)) >= 0:
            self._on_line(_readable(bytes(self._data[self._reported : newline])))
            self._reported = newline + 1
        return len(self._data) < _MOST_BYTES

    def text(self) -> str:
        """Everything that came."""
        return "\n".join(_readable(line) for line in bytes(self._data).splitlines())


def _readable(line: bytes) -> str:
    text = line.decode("utf-8", errors="replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
