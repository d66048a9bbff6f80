"""A sweep from its file to sweep.json: what is finished is kept, the rest is run, every point ends in the result."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from ppg_deploy import files
from ppg_deploy.building.lock import folder_lock
from ppg_deploy.errors import EnvironmentProblem, InputError, OutputMismatchError, PpgDeployError
from ppg_deploy.handover import FILE_NAME, MODEL_NAME
from ppg_deploy.matrix.dask_engine import run_dask
from ppg_deploy.matrix.engine import Task, run_local
from ppg_deploy.matrix.figures import figures_of, mismatch_of
from ppg_deploy.matrix.job import ErrorFacts, Outcome, failed
from ppg_deploy.matrix.points import ModelStep, Point, points_of
from ppg_deploy.matrix.schema import Engine, MatrixReport, PointRecord
from ppg_deploy.matrix.summary import MATRIX_NAME, PLOT_NAMES, row_of, summarise_matrix, write_matrix
from ppg_deploy.matrix.sweep_file import SweepFile, load_sweep_file
from ppg_deploy.tflm.tree import find_tree

Progress = Callable[[int, int], None]

MATRIX_FOLDER = "sweep"
_RECORD_NAME = "point.json"
_LOCK_SECONDS = 1.0


def run_matrix(
    path: Path,
    *,
    out: Path,
    jobs: int | None,
    engine: Engine,
    scheduler: str | None,
    tflm_dir: Path | None,
    progress: Progress,
    say: Callable[[str], None],
) -> MatrixReport:
    """Run what is not finished of a sweep file; write OUT/sweep/<name>/sweep.json, pareto.svg and pareto.png.

    Args:
        path: the sweep file.
        out: folder of the results.
        jobs: processes at a time on this machine; one for each core when None.
        engine: "local", or "dask" for the points (models are quantised on this machine).
        scheduler: address of dask's scheduler.
        tflm_dir: tree of TFLM's sources where the sweep file names none; $PPG_TFLM_DIR when None.
        progress: called with (done, total) points.
        say: called with a line about each model and point that ends.

    Raises:
        PpgDeployError: the file is wrong, another process runs the same sweep, or the scheduler does not answer.
            Failed points are not an error here: they are in the report.
    """
    if (engine == "dask") != (scheduler is not None):
        raise InputError(
            "the engine dask and the address of its scheduler belong together",
            hint="give --engine dask --scheduler tcp://HOST:8786, or neither",
        )
    sweep = load_sweep_file(path)
    if engine == "dask" and sweep.bench.ports:
        raise InputError(
            f"{path}: bench.ports: a board hangs on one machine, and dask's workers may be on others",
            hint="leave ports out, or use the local engine",
        )
    folder = (out / MATRIX_FOLDER / sweep.name).absolute()
    with _only_one(folder):
        needs_tree = "tflm" in sweep.matrix.runtimes
        tree = find_tree(sweep.tflm.dir, tflm_dir).absolute() if needs_tree else None
        points = points_of(sweep, folder, tree)
        # What an interrupted sweep leaves must not be taken for the result of this one.
        for name in (MATRIX_NAME, *PLOT_NAMES):
            (folder / name).unlink(missing_ok=True)
        runner = _Runner(sweep, points, jobs or len(os.sched_getaffinity(0)), scheduler, progress, say)
        runner.run()
        rows = tuple(row_of(point, runner.ended[point.identity], folder) for point in points)
        report = summarise_matrix(sweep, path, engine, rows, runner.taken_over)
        return write_matrix(report, folder)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(folder_lock(folder / ".lock", limit_s=_LOCK_SECONDS))
        except EnvironmentProblem as error:
            raise EnvironmentProblem(
                f"another process runs the sweep in {folder}, or it cannot be written",
                hint="wait for it, give the sweep file another name, or choose another folder with --out",
            ) from error
        yield


class _Runner:
    """One run of a sweep: which points have ended, and how."""

    def __init__(
        self,
        sweep: SweepFile,
        points: Sequence[Point],
        jobs: int,
        scheduler: str | None,
        progress: Progress,
        say: Callable[[str], None],
    ) -> None:
        self._sweep, self._points, self._jobs, self._scheduler = sweep, points, jobs, scheduler
        self._progress, self._say = progress, say
        self._by_id = {point.identity: point for point in points}
        self.ended: dict[str, Outcome] = {}
        self.taken_over = 0

    def run(self) -> None:
        """Run everything that is not finished."""
        for point in self._points:
            outcome = _finished(point)
            if outcome is not None:
                self.ended[point.identity] = outcome
        self.taken_over = len(self.ended)
        self._progress(len(self.ended), len(self._points))
        self._quantize()
        tasks = [
            Task(point.identity, point.folder, point.job, self._sweep.limits.point_s)
            for point in self._points
            if point.identity not in self.ended
        ]
        if self._scheduler is None:
            run_local(tasks, jobs=self._jobs, on_done=self._point_done)
        else:
            run_dask(tasks, scheduler=self._scheduler, on_done=self._point_done)

    def _quantize(self) -> None:
        """Each model that a point still needs, once; the points of one that fails have failed with it."""
        needed = {
            point.model.identity: point.model for point in self._points if point.identity not in self.ended
        }
        tasks = [
            Task(step.identity, step.folder, step.job, self._sweep.limits.model_s)
            for step in needed.values()
            if step.job is not None and not _is_quantized(step)
        ]
        run_local(tasks, jobs=self._jobs, on_done=self._model_done)

    def _model_done(self, task: Task, outcome: Outcome) -> None:
        _remember(task, outcome)
        name = task.folder.name
        if outcome.error is None:
            self._say(f"{name}: quantised in {outcome.wall_s:.1f} s")
            return
        self._say(f"{name}: failed: {outcome.error.message}")
        problem = ErrorFacts(
            kind=outcome.error.kind, message=f"quantize: {outcome.error.message}", hint=outcome.error.hint
        )
        for point in self._points:
            if point.model.identity == task.identity and point.identity not in self.ended:
                self._end(point, Outcome(error=problem))

    def _point_done(self, task: Task, outcome: Outcome) -> None:
        point = self._by_id[task.identity]
        outcome = _checked(point, outcome)
        _remember(task, outcome)
        self._end(point, outcome)

    def _end(self, point: Point, outcome: Outcome) -> None:
        self.ended[point.identity] = outcome
        how = f"{outcome.wall_s:.1f} s" if outcome.error is None else f"failed: {outcome.error.message}"
        self._say(f"{point.folder.name}: {how}")
        self._progress(len(self.ended), len(self._points))


def _checked(point: Point, outcome: Outcome) -> Outcome:
    """A point whose result cannot be read, or whose answers are wrong, has failed."""
    if outcome.error is not None:
        return outcome
    assert outcome.result is not None
    try:
        mismatch = mismatch_of(point.folder / outcome.result)
        if mismatch is not None:
            raise OutputMismatchError(
                mismatch, hint="the first one is described under outputs.first_mismatch in result.json"
            )
        figures_of(point.folder, point.folder / outcome.result)
    except PpgDeployError as error:
        return failed(error).model_copy(update={"wall_s": outcome.wall_s, "result": outcome.result})
    return outcome


def _remember(task: Task, outcome: Outcome) -> None:
    record = PointRecord(identity=task.identity, outcome=outcome)
    files.write_text(task.folder / _RECORD_NAME, record.model_dump_json(indent=2) + "\n")


def _finished(point: Point) -> Outcome | None:
    """How the point ended well in an earlier sweep, with files that are still what they were; else None."""
    outcome = _recorded(point.folder, point.identity)
    if outcome is None or outcome.error is not None:
        return None
    return outcome if _checked(point, outcome).error is None else None


def _is_quantized(step: ModelStep) -> bool:
    outcome = _recorded(step.folder, step.identity)
    is_whole = all((step.folder / name).is_file() for name in (MODEL_NAME, FILE_NAME))
    return outcome is not None and outcome.error is None and is_whole


def _recorded(folder: Path, identity: str) -> Outcome | None:
    try:
        record = PointRecord.model_validate_json((folder / _RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return record.outcome if record.identity == identity else None
