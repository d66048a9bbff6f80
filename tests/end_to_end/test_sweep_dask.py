"""The sweep over dask.distributed: a local cluster of two workers, of which one dies in mid-sweep."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ppg_deploy import api
from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.matrix import MatrixReport, dask_engine
from tests.support.sweep_results import attempts, fake_environment, times_tried, write_fake_sweep

distributed = pytest.importorskip("distributed", reason="the [dask] extra is not installed")

WAIT_S = 60.0


@contextmanager
def cluster(monkeypatch: pytest.MonkeyPatch, folder: Path, behaviours: dict[int, str]) -> Iterator[Any]:
    """Two workers of one thread, in processes that a nanny starts again when they die."""
    for name, value in fake_environment(folder, behaviours).items():
        monkeypatch.setenv(name, value)
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(folder / "dask"),
        silence_logs=100,
    ) as local:
        yield local


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def sweep(path: Path, out: Path, local: Any, say: Callable[[str], None]) -> MatrixReport:
    report = api.sweep_matrix(path, out=out, engine="dask", scheduler=local.scheduler_address, say=say)
    assert report == MatrixReport.model_validate_json((out / "sweep/fake/sweep.json").read_bytes())
    return report


def test_a_worker_dies_in_mid_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]
    behaviours = dict.fromkeys(budgets, "sleep 0.5") | {2000: "raise"}
    path = write_fake_sweep(tmp_path, budgets)
    out = tmp_path / "build"
    said: list[str] = []
    killed: dict[str, int] = {}

    def kill_a_busy_worker(line: str) -> None:
        said.append(line)
        if len(said) != 2:
            return
        # Whatever is running now: the parent of the newest attempt that has not ended.
        wait_for(lambda: any(parent_of(pid) in workers for _, pid in attempts(tmp_path)))
        budget, pid = next((b, p) for b, p in reversed(attempts(tmp_path)) if parent_of(p) in workers)
        worker = parent_of(pid)
        assert worker is not None
        killed.update(budget=budget, pid=pid, worker=worker)
        os.kill(worker, signal.SIGKILL)

    with cluster(monkeypatch, tmp_path, behaviours) as local:
        workers = {nanny.pid for nanny in local.workers.values()}
        report = sweep(path, out, local, kill_a_busy_worker)

    assert killed["worker"] in workers
    # None lost, none twice, in the order of the sweep file.
    assert [row.ram_budget for row in report.points] == budgets
    assert len({row.id for row in report.points}) == len(said) == len(budgets)
    assert [row.ram_budget for row in report.points if row.status == "failed"] == [2000]
    # The point that was caught in the act ran again, and its first process did not outlive the worker.
    assert times_tried(tmp_path)[killed["budget"]] == 2
    wait_for(lambda: not Path(f"/proc/{killed['pid']}").exists())
    # Files came back through the scheduler; each point has one result.
    for row in report.points:
        if row.status == "done":
            assert row.result is not None
            assert (out / "sweep/fake" / row.result / "result.json").is_file()
            assert len(list((out / "sweep/fake" / row.folder / "results").iterdir())) == 1
    assert times_tried(tmp_path).keys() == set(budgets)

    # The local engine takes over what the cluster has done.
    again = api.sweep_matrix(write_fake_sweep(tmp_path, budgets), out=out)
    assert again.taken_over == 7


def test_a_point_that_kills_its_workers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_fake_sweep(tmp_path, [1000, 2000, 3000])
    with cluster(monkeypatch, tmp_path, {2000: "kill-parent"}) as local:
        report = sweep(path, tmp_path / "build", local, str)
    assert [row.status for row in report.points] == ["done", "failed", "done"]
    error = report.points[1].error
    assert error is not None
    assert error.kind == "worker lost"
    assert error.message.startswith("KilledWorker")
    # allowed-failures of distributed: 3 deaths are forgiven, the fourth is not.
    assert times_tried(tmp_path)[2000] == 4


def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_engine, "_CONNECT_SECONDS", 1)
    path = write_fake_sweep(tmp_path, [1000])
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(EnvironmentProblem, match="no dask scheduler answers"):
            api.sweep_matrix(path, out=tmp_path / "build", engine="dask", scheduler=address)
