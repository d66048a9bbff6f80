"""The parent's side of a job: starts its process, ends it in time, and takes its answer or its last words."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from ppg_deploy import files
from ppg_deploy.child_process import ChildEnd, run_module
from ppg_deploy.matrix.job import (
    JOB_NAME,
    LOG_NAME,
    OUTCOME_NAME,
    ErrorFacts,
    Outcome,
    PointJob,
    QuantizeJob,
)

CRASH = "crash"
TIME_LIMIT = "time limit"


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
    end = run_module(
        "ppg_deploy.matrix.worker", folder, folder / LOG_NAME, limit_s=limit_s, is_cancelled=is_cancelled
    )
    return _outcome(folder, end, limit_s)


def _outcome(folder: Path, end: ChildEnd, limit_s: float) -> Outcome:
    error = None
    if end.ended_by_us:
        error = ErrorFacts(
            kind=TIME_LIMIT,
            message=f"did not end within {limit_s:g} s",
            hint="raise [limits] of the sweep file, stream fewer windows, or give the sweep fewer --jobs",
        )
    elif (folder / OUTCOME_NAME).is_file():
        with contextlib.suppress(ValidationError):
            return Outcome.model_validate_json((folder / OUTCOME_NAME).read_bytes())
    if error is None:
        error = ErrorFacts(
            kind=CRASH,
            message=f"the process ended by {end.how}",
            hint=f"{LOG_NAME} in the folder of the point has what it printed",
        )
    return Outcome(error=error, wall_s=end.wall_s)
