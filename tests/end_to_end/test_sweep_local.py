"""The sweep's local engine with points that nobody builds: crashes, time limits, interruptions, resumption."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ppg_deploy import api
from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.matrix import MatrixReport, PointRow
from tests.support.commands import ppg_deploy
from tests.support.sweep_results import attempts, fake_environment, times_tried, write_fake_sweep

WAIT_S = 60.0


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path, behaviours: dict[int, str]) -> None:
    for name, value in fake_environment(folder, behaviours).items():
        monkeypatch.setenv(name, value)


def by_budget(report: MatrixReport) -> dict[int, PointRow]:
    rows = {row.ram_budget: row for row in report.points if row.ram_budget is not None}
    assert len(rows) == len(report.points)
    return rows


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_dead(pids: list[int]) -> None:
    wait_for(lambda: not any(map(is_alive, pids)))


def test_one_points_death_is_not_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(
        monkeypatch,
        tmp_path,
        {1000: "abort", 2000: "raise", 3000: "bug", 4000: "sleep 60", 5000: "wrong"},
    )
    budgets = [1000, 2000, 3000, 4000, 5000, 6000, 7000]
    path = write_fake_sweep(tmp_path, budgets, "point_s = 4.0")
    started = time.monotonic()
    report = api.sweep_matrix(path, out=tmp_path / "build", jobs=2)
    assert time.monotonic() - started < 40
    rows = by_budget(report)
    assert list(rows) == budgets
    assert [row.status for row in rows.values()] == ["failed"] * 5 + ["done"] * 2
    errors = {budget: row.error for budget, row in rows.items() if row.error is not None}
    assert errors[1000].kind == "crash"
    assert errors[1000].message == "the process ended by signal SIGABRT: last words"
    assert (errors[2000].kind, errors[2000].message) == ("DeviceError", "the board is silent")
    assert errors[2000].hint == "plug it in"
    assert (errors[3000].kind, errors[3000].message) == ("InternalError", "ZeroDivisionError: a bug")
    assert errors[4000].kind == "time limit"
    assert "within 4 s" in errors[4000].message
    assert errors[5000].kind == "OutputMismatchError"
    assert "1 of 4 answers differ" in errors[5000].message
    assert report == MatrixReport.model_validate_json((tmp_path / "build/sweep/fake/sweep.json").read_bytes())
    wait_until_dead([pid for _, pid in attempts(tmp_path)])


def test_figures_come_from_the_result_and_finished_points_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path, {2000: "raise"})
    path = write_fake_sweep(tmp_path, [1000, 2000, 3000])
    folder = tmp_path / "build" / "sweep" / "fake"
    first = api.sweep_matrix(path, out=tmp_path / "build")
    figures = by_budget(first)[3000].figures
    assert figures is not None
    # As the fake says: 100 instructions for each byte of RAM budget; static RAM is 100 B more, the stack takes 500.
    assert (figures.instructions, figures.ram, figures.flash, figures.mae_int8) == (
        300_000.0,
        3600,
        10_000,
        1.0,
    )
    assert [front.points for front in first.fronts if front.cost == "ram"] == [(by_budget(first)[1000].id,)]
    assert times_tried(tmp_path) == {1000: 1, 2000: 1, 3000: 1}

    # The failure is repaired, one result is damaged, one point is new.
    pretend(monkeypatch, tmp_path, {})
    damaged = by_budget(first)[3000].result
    assert damaged is not None
    with (folder / damaged / "result.json").open("a") as stream:
        stream.write(" ")
    second = api.sweep_matrix(write_fake_sweep(tmp_path, [1000, 2000, 3000, 4000]), out=tmp_path / "build")
    assert second.taken_over == 1
    assert [row.status for row in second.points] == ["done"] * 4
    assert times_tried(tmp_path) == {1000: 1, 2000: 2, 3000: 2, 4000: 1}
    assert by_budget(second)[1000] == by_budget(first)[1000]
    # One results folder each, also after a repetition.
    for row in second.points:
        assert len(list((folder / row.folder / "results").iterdir())) == 1


def test_exit_code_and_table(tmp_path: Path) -> None:
    path = write_fake_sweep(tmp_path, [1000, 2000])
    environment = fake_environment(tmp_path, {2000: "raise"})
    result = ppg_deploy("sweep", path, folder=tmp_path, environment=environment)
    assert result.returncode == 10, result.stdout + result.stderr
    assert "the board is silent" in result.stderr
    assert "1 of 2 points failed" in result.stderr
    result = ppg_deploy("sweep", path, "--json", folder=tmp_path, environment=fake_environment(tmp_path, {}))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["taken_over"] == 1


@contextlib.contextmanager
def running_sweep(
    folder: Path, path: Path, environment: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [Path(sys.executable).parent / "ppg-deploy", "sweep", path, "--jobs", "2"],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # Shells start background jobs, and so a test suite among them, with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "the sweep does not get on"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_sweep_is_taken_up(tmp_path: Path, number: signal.Signals) -> None:
    budgets = [1000, 2000, 3000, 4000, 5000]
    path = write_fake_sweep(tmp_path, budgets)
    # The first point is quick, the others are caught in the act.
    slow = dict.fromkeys(budgets[1:], "sleep 300")
    with running_sweep(tmp_path, path, fake_environment(tmp_path, slow)) as process:
        wait_for(lambda: len(attempts(tmp_path)) == 3)
        wait_for(lambda: len(list(tmp_path.glob("build/sweep/fake/points/*/point.json"))) == 1)
        process.send_signal(number)
        assert process.wait(WAIT_S) == (130 if number == signal.SIGINT else -number)
    wait_until_dead([pid for _, pid in attempts(tmp_path)])
    tried = times_tried(tmp_path)
    assert tried == {1000: 1, 2000: 1, 3000: 1}
    assert not (tmp_path / "build/sweep/fake/sweep.json").exists()

    result = ppg_deploy("sweep", path, folder=tmp_path, environment=fake_environment(tmp_path, {}))
    assert result.returncode == 0, result.stdout + result.stderr
    report = MatrixReport.model_validate_json((tmp_path / "build/sweep/fake/sweep.json").read_bytes())
    assert report.taken_over == 1
    assert [row.status for row in report.points] == ["done"] * 5
    assert times_tried(tmp_path) - tried == dict.fromkeys(budgets[1:], 1)


def test_a_sweep_runs_once_at_a_time(tmp_path: Path) -> None:
    path = write_fake_sweep(tmp_path, [1000])
    environment = fake_environment(tmp_path, {1000: "sleep 30"})
    with running_sweep(tmp_path, path, environment):
        wait_for(lambda: bool(attempts(tmp_path)))
        with pytest.raises(EnvironmentProblem, match="another process runs the sweep"):
            api.sweep_matrix(path, out=tmp_path / "build")
    wait_until_dead([pid for _, pid in attempts(tmp_path)])


def test_engine_and_scheduler_belong_together(tmp_path: Path) -> None:
    path = write_fake_sweep(tmp_path, [1000])
    for options in ({"engine": "dask"}, {"scheduler": "tcp://127.0.0.1:1"}):
        with pytest.raises(InputError, match="belong together"):
            api.sweep_matrix(path, out=tmp_path / "build", **options)  # type: ignore[arg-type]


def test_a_board_is_measured_by_one_point_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two boards of two points each: points of one board never overlap, those of different boards may."""
    pretend(monkeypatch, tmp_path, {1000: "sleep 0.5", 2000: "sleep 0.5"})
    path = write_fake_sweep(tmp_path, [1000, 2000])
    text = path.read_text().replace('["nucleo-l476rg"]', '["nucleo-l476rg", "nrf52840-dk"]')
    path.write_text(text + '[bench]\nports = { nucleo-l4 = "/dev/one", nrf52840-dk = "/dev/two" }\n')
    report = api.sweep_matrix(path, out=tmp_path / "build", jobs=4)
    assert [row.status for row in report.points] == ["done"] * 4
    root = tmp_path / "build/sweep/fake"
    for board, port in (("nucleo-l476rg", "/dev/one"), ("nrf52840-dk", "/dev/two")):
        rows = [row for row in report.points if row.board == board]
        jobs = [json.loads((root / row.folder / "job.json").read_bytes()) for row in rows]
        assert [(job["port"], job["emulator"]) for job in jobs] == [(port, None)] * 2
        # From the moment that the job is written to that of its outcome.
        spans = sorted(
            (
                (root / row.folder / "job.json").stat().st_mtime,
                (root / row.folder / "outcome.json").stat().st_mtime,
            )
            for row in rows
        )
        assert spans[0][1] <= spans[1][0]
