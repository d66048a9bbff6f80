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
# The promise is 10 s a case. Processor time decides, because other programs may keep the machine busy; the wall clock
# only ends what waits for ever.
PROCESSOR_S = 10
WALL_S = 40.0
_POLL_S = 0.005
_CRASHED = 71
# quantize and inspect end with these when the file is wrong; see docs/errors.md.
CLEAN_CODES = {0, 2, 9}


@dataclass(frozen=True)
class Outcome:
    """How a case ended: exit code, or the signal that killed it; `timed_out` when it ran into a time limit.

    `seconds` are those of the wall clock, `processor_seconds` those of the case's own process.
    """

    code: int | None
    signal: int | None
    timed_out: bool
    seconds: float
    processor_seconds: float
    peak_bytes: int
    messages: str

    @property
    def label(self) -> str:
        """One word for counting."""
        if self.timed_out:
            return "timeout"
        return f"signal {self.signal}" if self.signal is not None else f"exit {self.code}"


def complaint(outcome: Outcome) -> str | None:
    """What is wrong with the way a case ended; None when nothing is."""
    if outcome.timed_out:
        return "took too long"
    if outcome.signal is not None:
        return f"killed by signal {outcome.signal}"
    if outcome.code not in CLEAN_CODES:
        return f"ended with exit code {outcome.code}"
    if "Warning:" in outcome.messages:
        return "printed a warning of a library"
    if "Traceback" in outcome.messages:
        return "printed a traceback"
    lines = outcome.messages.splitlines()
    errors, hints = (sum(line.startswith(word) for line in lines) for word in ("error: ", "hint: "))
    if outcome.code and (errors, hints) != (1, 1):
        return f"printed {errors} errors and {hints} hints"
    return None


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
    timed_out = timed_out or (not exited and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL))
    return Outcome(
        code=os.WEXITSTATUS(status) if exited else None,
        signal=None if exited else os.WTERMSIG(status),
        timed_out=timed_out,
        seconds=seconds,
        processor_seconds=usage.ru_utime + usage.ru_stime,
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
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        code = target(folder)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
