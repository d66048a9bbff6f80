"""The child process of a study: does the job of the current folder. Run as `python -m models.study.worker`."""

import sys
import traceback
from pathlib import Path

from models.distil.data import split_of
from models.distil.run import distil, teacher_of
from models.study.job import DONE_NAME, ERROR_NAME, JOB_NAME, JobError, StudyJob
from ppg_deploy.child_process import die_with_parent
from ppg_deploy.errors import PpgDeployError
from ppg_deploy.files import write_json, write_text


def main() -> int:
    """0 when the result is there; otherwise error.json says why."""
    die_with_parent()
    folder = Path.cwd()
    try:
        _do(StudyJob.model_validate_json((folder / JOB_NAME).read_bytes()), folder)
    except PpgDeployError as error:
        return _failed(folder, error.message, error.hint)
    # Whatever else a training raises is a bug, and belongs to this point alone.
    except Exception as error:
        traceback.print_exc()
        return _failed(folder, f"{type(error).__name__}: {error}", "this is a bug; log.txt has the traceback")
    return 0


def _do(job: StudyJob, folder: Path) -> None:
    split = split_of(job.settings.data)
    if job.kind == "student":
        distil(job.settings, split, folder, cache=job.cache, report=_print_now)
        return
    teacher = teacher_of(job.settings, split, job.cache, _print_now)
    write_json(folder / DONE_NAME, None if teacher is None else teacher.facts())


def _failed(folder: Path, message: str, hint: str) -> int:
    write_text(folder / ERROR_NAME, JobError(message=message, hint=hint).model_dump_json(indent=2) + "\n")
    return 1


def _print_now(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
