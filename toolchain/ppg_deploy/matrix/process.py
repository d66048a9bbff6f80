"""The parent's side of a job: starts its process, ends it in time, and takes its answer or its last words."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

import ppg_deploy
from ppg_deploy import files
from ppg_deploy.matrix.job import (
    JOB_NAME,
    LOG_NAME,
    OUTCOME_NAME,
    ErrorFacts,
    Outcome,
    PointJob,
    QuantizeJob,
)
from ppg_deploy.matrix.worker import GRACE_SECONDS

CRASH = "crash"
TIME_LIMIT = "time limit"

_POLL_SECONDS = 0.1
_TAIL_BYTES = 4096
_LONGEST_REASON = 300


def run_in_process(
    folder: Path, job: QuantizeJob | PointJob, *, limit_s: float, is_cancelled: Callable[[], bool]
) -> Outcome:
    """Do `job` in `folder` in a process of its own; whatever happens to that process is the job's outcome.

    Args:
        folder: the job's own, empty or new.
        job: what to do.
        limit_s: wall-clock time after which the process and its children are ended.
        is_cancelled: asked ten times a second; true ends the process, too.

    Raises:
        EnvironmentProblem: the folder cannot be written.
    """
    files.write_text(folder / JOB_NAME, job.model_dump_json(indent=2) + "\n")
    started = time.monotonic()
    with (folder / LOG_NAME).open("wb") as log:
        process = subprocess.Popen(
            # -P: the job's folder is no place to import from.
            [sys.executable, "-P", "-m", "ppg_deploy.matrix.worker"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
        )
        try:
            ended_by_us = _wait(process, started + limit_s, is_cancelled)
        finally:
            _end(process)
    return _outcome(folder, process.returncode, ended_by_us, limit_s, time.monotonic() - started)


def _environment() -> dict[str, str]:
    package = str(Path(ppg_deploy.__file__).resolve().parents[1])
    inherited = [
        str(Path(place).absolute()) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place
    ]
    # One thread each: the sweep already has a process for every core.
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([package, *inherited]),
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
            process.wait(GRACE_SECONDS)
    # Also what a crash left behind.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


def _outcome(folder: Path, status: int, ended_by_us: bool, limit_s: float, wall_s: float) -> Outcome:
    error = None
    if ended_by_us:
        error = ErrorFacts(
            kind=TIME_LIMIT,
            message=f"did not end within {limit_s:g} s",
            hint="raise [limits] of the sweep file, stream fewer windows, or give the sweep fewer --jobs",
        )
    elif (folder / OUTCOME_NAME).is_file():
        with contextlib.suppress(ValidationError):
            return Outcome.model_validate_json((folder / OUTCOME_NAME).read_bytes())
    if error is None:
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
        last = _last_words(folder / LOG_NAME)
        error = ErrorFacts(
            kind=CRASH,
            message=f"the process ended by {how}" + (f": {last}" if last else ""),
            hint=f"{LOG_NAME} in the folder of the point has what it printed",
        )
    return Outcome(error=error, wall_s=round(wall_s, 3))


def _last_words(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][-_LONGEST_REASON:] if said else ""
    return ""
