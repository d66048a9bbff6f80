"""A study from its file to its rows: what is finished is kept, the rest is trained, every point ends in the result."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import models
from models.distil.data import splits_of
from models.distil.run import RESULT
from models.students.registry import STUDENTS
from models.study.grid import Grid, Point, data_of_splits, grid_of
from models.study.job import DONE_NAME, ERROR_NAME, JOB_NAME, LOG_NAME, JobError, StudyJob
from models.study.result import Failure, StudyResult, TeacherFacts
from models.study.settings import StudySettings
from models.study.table import StudyRow
from ppg_deploy.building.lock import folder_lock
from ppg_deploy.child_process import run_module
from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.files import write_text

Say = Callable[[str], None]
CACHE = "teachers"
STUDENTS_FOLDER = "students"
TEACHER_JOBS = "teacher-jobs"
_LOCK_SECONDS = 1.0
_RESULT_FIELDS = {"teacher": ("members", "validation_mae", "entropy"), "student": ("student",)}


@dataclass(frozen=True)
class _Job:
    name: str
    folder: Path
    job: StudyJob
    result: str
    limit_s: float


def run_study(study: StudySettings, out: Path, *, jobs: int, say: Say) -> StudyResult:
    """Train what is not finished.

    `out`/students has a folder a training, as `models.distil` makes it; `out`/teachers the teachers. A training is
    named by its settings and the contents of its windows, and is not repeated; one that was interrupted goes on.

    Args:
        study: the file.
        out: folder of the study.
        jobs: trainings at a time.
        say: gets a line about each training that ends.

    Raises:
        InputError: settings that do not fit the networks or the recordings.
        EnvironmentProblem: `out` cannot be written, or another process runs a study there.
    """
    with _only_one(out):
        data = data_of_splits(study)
        cautions, hashes = {}, {}
        for name, split in splits_of(data):
            cautions[name], hashes[name] = split.cautions, split.hashes
        grid = grid_of(study, data, hashes)
        for left in grid.left_out:
            say(f"left out: {left.student} by {left.teacher}, {left.strategy}: {left.reason}")
        return _Runner(study, grid, out, jobs, say).run(cautions)


@contextlib.contextmanager
def _only_one(out: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(folder_lock(out / ".lock", limit_s=_LOCK_SECONDS))
        except EnvironmentProblem as error:
            if isinstance(error.__cause__, BlockingIOError):
                error.restate(f"another process runs a study in {out}")
            raise
        yield


class _Runner:
    def __init__(self, study: StudySettings, grid: Grid, out: Path, jobs: int, say: Say) -> None:
        self._study, self._grid, self._out, self._jobs, self._say = study, grid, out, jobs, say
        self._reasons: dict[Path, str] = {}
        self._teachers: list[TeacherFacts] = []

    def run(self, cautions: Mapping[str, tuple[str, ...]]) -> StudyResult:
        for split in dict.fromkeys(point.split for point in self._grid.points):
            self._train([point for point in self._grid.points if point.split == split])
        rows, failures = [], []
        for point in self._grid.points:
            job = self._student_job(point)
            if job.folder in self._reasons:
                failures.append(Failure(job.name, self._reasons[job.folder]))
            else:
                rows.append(_row(point, job, self._out))
        return StudyResult(tuple(rows), tuple(failures), self._grid.left_out, tuple(self._teachers), cautions)

    def _train(self, points: Sequence[Point]) -> None:
        """Train the points of one split: teachers first, students as soon as theirs is there."""
        teachers: dict[Path, _Job] = {}
        taught: dict[Path, list[_Job]] = {}
        alone: list[_Job] = []
        for point in points:
            if point.teacher is None:
                alone.append(self._student_job(point))
                continue
            teacher = self._teacher_job(point)
            teachers[teacher.folder] = teacher
            taught.setdefault(teacher.folder, []).append(self._student_job(point))
        finished = [job for job in (*teachers.values(), *alone, *chain(*taught.values())) if _is_done(job)]
        if finished:
            self._say(f"{len(finished)} of {len(teachers) + len(points)} were finished before")
        self._run([*teachers.values(), *alone], taught, left=len(teachers) + len(points) - len(finished))
        for point in points:
            if point.teacher is None:
                continue
            job = teachers.pop(self._teacher_job(point).folder, None)
            if job is not None and _is_done(job):
                self._teachers.append(TeacherFacts(point.teacher, point.split, _result_of(job)))

    def _run(self, first: Sequence[_Job], after: Mapping[Path, Sequence[_Job]], *, left: int) -> None:
        """Run jobs that are not done, and each one's successors behind it; `left` is how many these are together."""
        cancelled = threading.Event()
        executor = ThreadPoolExecutor(max_workers=self._jobs, thread_name_prefix="ppg-study")
        running: dict[Future[str | None], _Job] = {}

        def start(jobs: Sequence[_Job]) -> None:
            for job in jobs:
                if not _is_done(job):
                    running[executor.submit(_run_one, job, cancelled)] = job

        try:
            # Asked before any starts: the successors of one that ends meanwhile are started at its end.
            finished = [job for job in first if _is_done(job)]
            start(first)
            start([successor for job in finished for successor in after.get(job.folder, ())])
            number = 0
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    job, reason = running.pop(future), future.result()
                    number += 1
                    self._say(f"{number}/{left} {job.name}: {reason or 'done'}")
                    successors = after.get(job.folder, ())
                    if reason is None:
                        start(successors)
                        continue
                    self._reasons[job.folder] = reason
                    lost = [successor for successor in successors if not _is_done(successor)]
                    self._reasons.update({successor.folder: f"its teacher: {reason}" for successor in lost})
        finally:
            cancelled.set()
            executor.shutdown(cancel_futures=True)

    def _teacher_job(self, point: Point) -> _Job:
        folder = self._out / TEACHER_JOBS / f"{point.teacher}-{point.split}-{point.teacher_identity[:8]}"
        return _Job(
            name=f"teacher {point.teacher}, {point.split}",
            folder=folder,
            job=StudyJob(kind="teacher", settings=point.settings, cache=(self._out / CACHE).absolute()),
            result=DONE_NAME,
            limit_s=self._study.limits.teacher_s,
        )

    def _student_job(self, point: Point) -> _Job:
        taught = "" if point.teacher is None else f" by {point.teacher}"
        return _Job(
            name=f"{point.student}{taught}, {point.strategy}, {point.split}, seed {point.seed}",
            folder=self._out / STUDENTS_FOLDER / point.folder,
            job=StudyJob(kind="student", settings=point.settings, cache=(self._out / CACHE).absolute()),
            result=RESULT,
            limit_s=self._study.limits.student_s,
        )


def _is_done(job: _Job) -> bool:
    """Whether its result is there and whole; a damaged one costs a repetition, never the study."""
    try:
        result = _result_of(job)
    except (OSError, ValueError):
        return False
    return isinstance(result, dict) and all(name in result for name in _RESULT_FIELDS[job.job.kind])


def _result_of(job: _Job) -> Any:
    return json.loads((job.folder / job.result).read_bytes())


def _run_one(job: _Job, cancelled: threading.Event) -> str | None:
    """None when it gave its result, otherwise why not."""
    try:
        # The folder is kept as it is: an interrupted training goes on from its checkpoint.
        (job.folder / ERROR_NAME).unlink(missing_ok=True)
        write_text(job.folder / JOB_NAME, job.job.model_dump_json(indent=2) + "\n")
        end = run_module(
            "models.study.worker",
            job.folder,
            job.folder / LOG_NAME,
            limit_s=job.limit_s,
            is_cancelled=cancelled.is_set,
            root=Path(models.__file__).resolve().parents[1],
        )
    except (EnvironmentProblem, OSError) as error:
        return f"cannot run in {job.folder}: {error}"
    if _is_done(job):
        return None
    if end.ended_by_us:
        return f"did not end within {job.limit_s:g} s; the next call goes on from its checkpoint"
    with contextlib.suppress(OSError, ValidationError):
        return JobError.model_validate_json((job.folder / ERROR_NAME).read_bytes()).message
    return f"the process ended by {end.how}"


def _row(point: Point, job: _Job, out: Path) -> StudyRow:
    result = _result_of(job)["student"]
    error, int8, training = result["test_error_bpm"], result["int8"]["before"], result["training"]
    return StudyRow(
        student=point.student,
        teacher=point.teacher,
        strategy=point.strategy,
        split=point.split,
        seed=point.seed,
        parameters=result["parameters"],
        macs=STUDENTS[point.student].macs,
        windows=error["windows"],
        mae_float=error["mae"],
        mae_int8=int8["mae_int8"],
        mae_constant=error["mae_constant"],
        model_bytes=int8["model_bytes"],
        best_epoch=training["best_epoch"],
        epochs=training["epochs"],
        mae_by_subject=error["mae_by_subject"],
        folder=job.folder.relative_to(out).as_posix(),
    )
