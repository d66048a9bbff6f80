"""Processes that end in time, take their own children along and die with their parent."""

import subprocess
import sys
import time
from pathlib import Path

from ppg_deploy.child_process import ChildEnd, run_module
from tests.support.child import SECONDS
from tests.support.commands import REPOSITORY

CHILD = "tests.support.child"


def ran(folder: Path, task: str, *, limit_s: float = SECONDS, cancel_at: str | None = None) -> ChildEnd:
    """Run a task of tests/support/child.py; cancel once its log holds `cancel_at`."""
    (folder / "task").write_text(task)
    log = folder / "log.txt"
    return run_module(
        CHILD,
        folder,
        log,
        limit_s=limit_s,
        is_cancelled=lambda: cancel_at is not None and cancel_at in log.read_text(),
        root=REPOSITORY,
    )


def all_ended(folder: Path) -> bool:
    """Within ten seconds, the child and its own; a zombie that nobody has collected yet has ended, too."""
    end = time.monotonic() + 10.0
    pids = (folder / "pids").read_text().split()
    assert len(pids) == 2
    while not all(has_ended(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def has_ended(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_status_and_last_line(tmp_path: Path) -> None:
    end = ran(tmp_path, "print")
    assert (end.ended_by_us, end.how) == (False, "exit status 3: last")
    assert (tmp_path / "log.txt").read_text() == "first\nlast\n\n"


def test_one_thread_and_nothing_imported_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "colorsys.py").write_text("")
    assert ran(tmp_path, "environment").how == "exit status 0: 1 1"
    assert str(tmp_path) not in (tmp_path / "log.txt").read_text()


def test_a_time_limit_ends_its_children_as_well(tmp_path: Path) -> None:
    end = ran(tmp_path, "sleep", limit_s=4.0)
    assert end.ended_by_us and 4.0 <= end.wall_s < 20.0
    assert all_ended(tmp_path)


def test_cancelled(tmp_path: Path) -> None:
    end = ran(tmp_path, "sleep", cancel_at="ready")
    assert end.ended_by_us and end.wall_s < 20.0
    assert all_ended(tmp_path)


def test_what_a_crash_left_behind_is_ended(tmp_path: Path) -> None:
    end = ran(tmp_path, "crash")
    assert not end.ended_by_us and end.how == "signal SIGKILL: ready"
    assert all_ended(tmp_path)


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """By an exception, on which it ends its own."""
    (tmp_path / "task").write_text("tidy")
    parent = subprocess.Popen([sys.executable, "-m", CHILD, str(tmp_path)], cwd=REPOSITORY)
    try:
        end = time.monotonic() + 30.0
        while not (tmp_path / "pids").is_file() and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        parent.kill()
        parent.wait(10.0)
    assert all_ended(tmp_path)
