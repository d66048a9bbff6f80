"""A Python module run in a process of its own, with a time limit, that takes its own children along when it ends."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import ppg_deploy

_GRACE_SECONDS = 5.0
"""What a process gets to end its own children after SIGTERM, before SIGKILL."""

_TERMINATED = 128 + signal.SIGTERM
_STANDARD_INPUT = 0
_POLL_SECONDS = 0.1
_TAIL_BYTES = 4096
_LONGEST_REASON = 300


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended.

    Attributes:
        ended_by_us: the time limit was over or it was cancelled.
        how: "exit status 1" or "signal SIGKILL", with the last line that it printed.
        wall_s: seconds it ran.
    """

    ended_by_us: bool
    how: str
    wall_s: float


def run_module(
    module: str,
    folder: Path,
    log: Path,
    *,
    limit_s: float,
    is_cancelled: Callable[[], bool],
    root: Path | None = None,
) -> ChildEnd:
    """Run `python -m module` in `folder`; its output goes to `log`. The module calls `die_with_parent` first.

    Args:
        module: name as for `python -m`.
        folder: its working directory.
        log: file for what it prints.
        limit_s: wall-clock time after which the process and its children are ended.
        is_cancelled: asked ten times a second; true ends the process, too.
        root: folder that the module's package lies in, where that is not this package's.

    Raises:
        OSError: `log` cannot be written.
    """
    started = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            # -P: the child's folder is no place to import from.
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(root),
            start_new_session=True,
        )
        try:
            ended_by_us = _wait(process, started + limit_s, is_cancelled)
        finally:
            _end(process)
    status = process.returncode
    how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    last = _last_words(log)
    return ChildEnd(ended_by_us, how + (f": {last}" if last else ""), round(time.monotonic() - started, 3))


def die_with_parent() -> None:
    """Called by the child first: from then on it ends, by SystemExit, when its parent dies or asks it to.

    Its standard input is a leash that closes with the parent.

    Raises:
        SystemExit: the parent has died before we began: another may want this folder already.
    """
    signal.signal(signal.SIGTERM, _leave)
    if select.select([sys.stdin], [], [], 0.0)[0]:
        raise SystemExit(_TERMINATED)
    threading.Thread(target=_hold_leash, daemon=True).start()


def _leave(*_: object) -> NoReturn:
    """Leave by an exception, so that emulators and builds are ended on the way out."""
    raise SystemExit(_TERMINATED)


def _hold_leash() -> None:
    # Not by sys.stdin: a thread that waits in it holds a lock that the interpreter needs when it ends.
    while os.read(_STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _environment(root: Path | None) -> dict[str, str]:
    packages = [str(Path(ppg_deploy.__file__).resolve().parents[1])]
    if root is not None:
        packages.append(str(root))
    inherited = [
        str(Path(place).absolute()) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place
    ]
    # One thread each: whoever runs several has a process for every core.
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*packages, *inherited]),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }


def _wait(process: "subprocess.Popen[bytes]", end: float, is_cancelled: Callable[[], bool]) -> bool:
    """True when it must be ended."""
    while True:
        try:
            process.wait(_POLL_SECONDS)
            return False
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end or is_cancelled():
                return True


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End it if it still runs: first so that it can end its own children, then for good."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
    # Also what a crash left behind.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def _last_words(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][-_LONGEST_REASON:] if said else ""
    return ""
