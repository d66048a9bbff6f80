"""A short soak; `python -m benchmarks.soak` is the long one, with 20,000 windows."""

import shutil

import pytest

from benchmarks import soak
from benchmarks.soak import run_soak
from benchmarks.soak.line import Weather

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def test_every_answer_is_right_or_reported_missing() -> None:
    figures = run_soak(1000, seed=1)
    assert (figures.wrong, figures.silently_lost) == (0, 0)
    assert figures.right + figures.missing == 1000
    assert figures.missing <= 2
    restarts = {kind for kind in figures.faults if kind.startswith("restart")}
    assert restarts == {f"restart: {cause}" for cause in ("fault", "pin", "power", "software", "watchdog")}
    assert len(figures.faults) == 14
    assert min(count for kind, count in figures.faults.items() if kind not in restarts) > 100
    assert figures.sessions >= 10
    assert figures.link.retries > 500
    assert figures.wall_s < 20.0


def test_windows_that_a_terrible_line_loses_are_reported() -> None:
    figures = run_soak(150, seed=3, weather=Weather(damage=0.3, restart=0.015))
    assert (figures.wrong, figures.silently_lost) == (0, 0)
    assert figures.missing > 0
    assert figures.right == 150 - figures.missing


def test_a_clean_line_costs_nothing() -> None:
    figures = run_soak(50, seed=1, weather=Weather(damage=0.0, restart=0.0))
    assert figures.right == 50
    # HELLO, and for each window two pieces of input and the run
    assert (figures.link.sent, figures.link.retries, figures.sessions) == (1 + 3 * 50, 0, 0)


def test_the_soak_notices_wrong_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    right = soak.expected_output
    monkeypatch.setattr(soak, "expected_output", lambda window: right(window[:-1] + b"\1"))
    figures = run_soak(30, seed=1)
    assert figures.wrong >= 25
