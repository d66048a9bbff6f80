"""Points on many machines through dask.distributed.

A task carries the bytes of its files to the worker and brings those of its result back: the machines need ppg-deploy,
the compiler and the emulator, but no file system in common. When a worker dies, the scheduler gives its tasks to
others; after `allowed-failures` (3) deaths with the same task it gives up, and the point is recorded as failed.
"""

import contextlib
import logging
import queue
import secrets
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppg_deploy import files
from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.matrix.engine import OnDone, Task, make_empty
from ppg_deploy.matrix.identity import code_sha256
from ppg_deploy.matrix.job import ErrorFacts, Outcome, PointJob, failed
from ppg_deploy.matrix.process import run_in_process

if TYPE_CHECKING:
    from distributed import Client, Future

LOST = "worker lost"

_CONNECT_SECONDS = 15
_WORKER_SECONDS = 60
# A task may be started again after each death of a worker; then files come back, and a worker's death is noticed.
_ATTEMPTS = 4
_SLACK_SECONDS = 120.0

_Payload = dict[str, Any]
_Answer = tuple[str, dict[str, bytes]]


def run_dask(tasks: Sequence[Task], *, scheduler: str, on_done: OnDone) -> None:
    """Run all tasks, which are points, on the workers of a scheduler.

    Args:
        tasks: any number.
        scheduler: its address, like tcp://host:8786.
        on_done: called in this thread, once for each task, in the order in which they end.

    Raises:
        EnvironmentProblem: distributed is not installed, no scheduler answers, or it has no workers.
    """
    if not tasks:
        return
    with contextlib.closing(_connect(scheduler)) as client:
        _submit_and_wait(client, tasks, on_done)


def _connect(scheduler: str) -> "Client":
    try:
        from distributed import Client
    except ImportError as error:
        raise EnvironmentProblem(
            "--engine dask needs distributed, which is not installed", hint='pip install "ppg-deploy[dask]"'
        ) from error
    try:
        client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    # What an address can be wrong about is up to distributed's transports.
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(
            f"no dask scheduler answers at {scheduler}: {error}",
            hint="start one with `dask scheduler`, and give its address as tcp://HOST:8786",
        ) from error
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError as error:
        client.close()
        raise EnvironmentProblem(
            f"the dask scheduler at {scheduler} has no workers after {_WORKER_SECONDS} s",
            hint=f"start some with `dask worker {scheduler}`",
        ) from error
    # A worker's death is told by the outcome of its points; the client's log would only repeat it.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    return client


def _submit_and_wait(client: "Client", tasks: Sequence[Task], on_done: OnDone) -> None:
    ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
    # Keys of their own: what an earlier sweep left on the scheduler is not taken for this one's.
    run = secrets.token_hex(4)
    waiting: dict[str, tuple[Task, Future]] = {}
    stall_s = _ATTEMPTS * max(task.limit_s for task in tasks) + _SLACK_SECONDS
    try:
        for task in tasks:
            key = f"ppg-sweep-{run}-{task.identity}"
            future = client.submit(run_remotely, _payload(task), key=key, pure=False)
            waiting[key] = (task, future)
        for _, future in list(waiting.values()):
            future.add_done_callback(ended.put)
        while waiting:
            try:
                done = ended.get(timeout=stall_s)
            except queue.Empty:
                for task, _ in waiting.values():
                    on_done(task, _lost(f"no point has ended for {stall_s:g} s"))
                return
            task, _ = waiting.pop(done.key)
            on_done(task, _fetch(done, task, stall_s))
    finally:
        client.cancel([future for _, future in waiting.values()], force=True)


def _payload(task: Task) -> _Payload:
    assert isinstance(task.job, PointJob)
    return {
        "code": code_sha256(),
        "job": task.job.model_dump_json(),
        "limit_s": task.limit_s,
        "files": {field: (path.name, path.read_bytes()) for field, path in task.job.input_files().items()},
    }


def _fetch(future: "Future", task: Task, limit_s: float) -> Outcome:
    """The outcome of an ended task, its files in the task's folder."""
    try:
        answer: _Answer = future.result(timeout=limit_s)
    # A worker's death, a lost scheduler, or whatever else distributed raises: the point has failed, not the sweep.
    except Exception as error:
        return _lost(f"{type(error).__name__}: {error}".splitlines()[0])
    text, contents = answer
    try:
        make_empty(task.folder)
        for name, data in contents.items():
            files.write_bytes(task.folder / name, data)
    except (OSError, EnvironmentProblem) as error:
        return failed(EnvironmentProblem(f"cannot write {task.folder}: {error}", hint="check the disk"))
    return Outcome.model_validate_json(text)


def _lost(message: str) -> Outcome:
    return Outcome(
        error=ErrorFacts(
            kind=LOST, message=message, hint="look at the workers' logs; the next sweep tries the point again"
        )
    )


def run_remotely(payload: _Payload) -> _Answer:
    """On the worker: the job in a temporary folder and a process of its own; its outcome and its files."""
    if payload["code"] != code_sha256():
        problem = EnvironmentProblem(
            f"the worker on {socket.gethostname()} has another version of ppg-deploy than the sweep",
            hint="install the same version on every machine",
        )
        return failed(problem).model_dump_json(), {}
    with tempfile.TemporaryDirectory(prefix="ppg-sweep-") as name:
        root = Path(name)
        inputs = {}
        for field, (file_name, data) in payload["files"].items():
            inputs[field] = root / field / Path(file_name).name
            files.write_bytes(inputs[field], data)
        job = PointJob.model_validate_json(payload["job"]).model_copy(update=inputs)
        folder = root / "point"
        folder.mkdir()
        outcome = run_in_process(folder, job, limit_s=payload["limit_s"], is_cancelled=lambda: False)
        return outcome.model_dump_json(), _contents(folder)


def _contents(folder: Path) -> dict[str, bytes]:
    """Every file but those that a failed build left behind, and the links to the result."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".pio" not in path.relative_to(folder).parts
    }
