"""What both engines are given, and the one that needs nothing but this machine."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.matrix.job import Outcome, PointJob, QuantizeJob, failed
from ppg_deploy.matrix.process import run_in_process

OnDone = Callable[["Task", Outcome], None]


@dataclass(frozen=True)
class Task:
    """A job, the folder in which its files shall be in the end, and its time limit in seconds."""

    identity: str
    folder: Path
    job: QuantizeJob | PointJob
    limit_s: float

    @property
    def port(self) -> str | None:
        """Of the board that it needs for itself."""
        return self.job.port if isinstance(self.job, PointJob) else None


def run_local(tasks: Sequence[Task], *, jobs: int, on_done: OnDone) -> None:
    """Run all tasks, `jobs` at a time, each in a process of its own.

    An interruption ends the running processes and is raised again; what `on_done` was called for is done.

    Args:
        tasks: any number.
        jobs: processes at a time.
        on_done: called in this thread, once for each task, in the order in which they end.
    """
    cancelled = threading.Event()
    ports = {task.port: threading.Lock() for task in tasks if task.port is not None}
    executor = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="ppg-sweep")
    try:
        futures = {executor.submit(_run, task, ports, cancelled): task for task in tasks}
        for future in as_completed(futures):
            on_done(futures[future], future.result())
    finally:
        cancelled.set()
        executor.shutdown(cancel_futures=True)


def _run(task: Task, ports: Mapping[str, threading.Lock], cancelled: threading.Event) -> Outcome:
    try:
        # The time that a point waits for its board is not its own.
        with contextlib.nullcontext() if task.port is None else ports[task.port]:
            make_empty(task.folder)
            return run_in_process(task.folder, task.job, limit_s=task.limit_s, is_cancelled=cancelled.is_set)
    except EnvironmentProblem as error:
        return failed(error)
    except OSError as error:
        return failed(
            EnvironmentProblem(f"cannot run in {task.folder}: {error}", hint="check the folder and the disk")
        )


def make_empty(folder: Path) -> None:
    """A new folder in place of what an interrupted or failed attempt left.

    Raises:
        OSError: it cannot be removed or made.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
