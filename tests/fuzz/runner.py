"""A forking server: everything is imported once, each case runs in a fork with limits and may die there."""

import contextlib
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ADDRESS_SPACE_BYTES = 2 << 30
WALL_S = 10.0
_POLL_S = 0.005
_CRASHED = 71


@dataclass(frozen=True)
class Outcome:
    """How a case ended: exit code, or the signal that killed it; `timed_out` when that was ours."""

    code: int | None
    signal: int | None
    timed_out: bool
    seconds: float
    peak_bytes: int
    messages: str

    @property
    def label(self) -> str:
        """One word for counting."""
        if self.timed_out:
            return "timeout"
        return f"signal {self.signal}" if self.signal is not None else f"exit {self.code}"


def run_forked(target: Callable[[Path], int], content: bytes, name: str) -> Outcome:
    """Write `content` to a folder of its own as `name` and run target(folder) in a fork."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as messages:
        Path(folder, name).write_bytes(content)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _child(target, Path(folder), messages.fileno())
        status, usage, timed_out = _wait(child, started)
        seconds = time.monotonic() - started
        # What the child started itself, TFLM's process for one, ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        messages.seek(0)
        text = messages.read().decode(errors="replace")
    exited = os.WIFEXITED(status)
    return Outcome(
        code=os.WEXITSTATUS(status) if exited else None,
        signal=None if exited else os.WTERMSIG(status),
        timed_out=timed_out,
        seconds=seconds,
        peak_bytes=usage.ru_maxrss * 1024,
        messages=text,
    )


def _wait(child: int, started: float) -> tuple[int, resource.struct_rusage, bool]:
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return status, usage, False
        if time.monotonic() - started > WALL_S:
            os.killpg(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return status, usage, True
        time.sleep(_POLL_S)


def _child(target: Callable[[Path], int], folder: Path, messages: int) -> None:
    """Never returns."""
    code = _CRASHED
    try:
        os.setsid()
        os.dup2(messages, 1)
        os.dup2(messages, 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        code = target(folder)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
