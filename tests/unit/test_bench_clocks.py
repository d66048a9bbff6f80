"""Clocks that stand still, disagree or run at another frequency than the board says: figures are withheld."""

from typing import cast

import pytest

from ppg_deploy.benching.clocks import HostTime, check_clocks, time_by_host
from ppg_deploy.benching.cost import Counts, cost_of
from ppg_deploy.ports import Connection
from ppg_deploy.report import spread_of
from ppg_deploy.wire import Client, TimedRuns

GOOD_HOST = HostTime(runs=31, device_s=0.31, host_s=0.32, line_s=0.011)


def board() -> Connection:
    return Connection(
        stream=cast(Client, None),  # type: ignore[arg-type]
        source="test",
        emulator=None,
        instruction_counter=None,
        instructions_per_tick=None,
        ticks_valid=True,
        boot_wait_s=0.0,
    )


def test_two_counters_that_agree() -> None:
    clocks = check_clocks("dwt", [800_000, 801_000], [800_400, 801_700], GOOD_HOST)
    assert (clocks.counter_problem, clocks.host_problem, clocks.note) == (None, None, None)
    assert clocks.compared == 2
    assert clocks.worst_difference_percent == pytest.approx(100 * 700 / 801_000, abs=1e-4)
    assert clocks.host_ratio == pytest.approx(0.32 / 0.31, abs=1e-3)


def test_counters_that_wrap_in_between_agree() -> None:
    assert check_clocks("dwt", [2**32 - 100], [300], None).counter_problem is None


@pytest.mark.parametrize(("ticks", "timer_ticks"), [(800_000, 400_000), (800_000, 809_000), (5_000, 6_100)])
def test_counters_that_disagree_withhold_cycles_and_latency(ticks: int, timer_ticks: int) -> None:
    clocks = check_clocks("dwt", [800_000, ticks], [800_000, timer_ticks], None)
    assert clocks.counter_problem is not None
    assert f"inference 1 took {ticks:,} ticks by dwt and {timer_ticks:,} by systick" in clocks.counter_problem
    counts = Counts(
        ticks=(800_000, ticks), profiles=(), operator_ticks=(9,), counter_problem=clocks.counter_problem
    )
    cost = cost_of(counts, (), board(), clock_hz=80_000_000)
    assert (cost.cycles, cost.latency_ms, cost.by_operator) == (None, None, ())
    assert cost.note == f"{clocks.counter_problem}: no figure is given"


@pytest.mark.parametrize(("ticks", "timer_ticks"), [(5_000, 5_900), (800_000, 807_000)])
def test_the_tolerance_is_one_percent_or_a_thousand_ticks(ticks: int, timer_ticks: int) -> None:
    assert check_clocks("dwt", [ticks], [timer_ticks], None).counter_problem is None


def test_a_counter_that_stands_still() -> None:
    assert "counter (dwt) stands still" in str(check_clocks("dwt", [5, 0], [5, 5], None).counter_problem)
    second = check_clocks("dwt", [5, 5], [5, 0], None).counter_problem
    assert "second counter (systick) stands still" in str(second)


def test_a_board_with_one_counter_says_so() -> None:
    clocks = check_clocks("systick", [5, 5], [0, 0], None)
    assert (clocks.counter_problem, clocks.second, clocks.compared) == (None, None, 0)
    assert "one counter only" in str(clocks.note)


@pytest.mark.parametrize("host_s", [0.155, 0.62])
def test_a_factor_of_two_between_device_and_host_withholds_the_latency(host_s: float) -> None:
    clocks = check_clocks("dwt", [800_000], [800_000], HostTime(31, 0.31, host_s, 0.011))
    assert "0.310 s by the device's clock" in str(clocks.host_problem)
    counts = Counts(ticks=(800_000,) * 3, profiles=(), clock_problem=clocks.host_problem)
    cost = cost_of(counts, (), board(), clock_hz=80_000_000)
    assert cost.cycles is not None
    assert cost.latency_ms is None
    assert "no latency" in str(cost.note)


def test_short_inferences_prove_nothing_but_are_not_accused() -> None:
    """31 runs of 0.1 ms: the longer reply alone takes 11 ms on the line."""
    clocks = check_clocks("dwt", [8_000], [8_000], HostTime(31, 0.0031, 0.014, 0.011))
    assert clocks.host_problem is None
    assert "too short" in str(clocks.note)


def test_a_device_that_claims_far_too_little_time_is_found_all_the_same() -> None:
    assert check_clocks("dwt", [8_000], [8_000], HostTime(31, 0.0031, 0.31, 0.011)).host_problem is not None


class SlowBoard:
    """Each inference takes `run_s` by the host's clock and `ticks`; every request 20 ms more."""

    def __init__(self, run_s: float, ticks: int, *, repeated: bool = False) -> None:
        self._answer = run_s, ticks, repeated
        self.asked: list[int] = []

    def timed_runs(self, count: int) -> TimedRuns:
        self.asked.append(count)
        run_s, ticks, repeated = self._answer
        # One request in three is delayed by the host.
        delay_s = 0.2 if len(self.asked) % 3 == 0 else 0.02
        return TimedRuns(ticks=(ticks,) * count, host_s=count * run_s + delay_s, repeated=repeated)


@pytest.mark.parametrize(("run_s", "most_runs"), [(0.01, 18), (0.0001, 26), (5.0, 2)])
def test_the_host_times_enough_inferences_but_no_more(run_s: float, most_runs: int) -> None:
    slow = SlowBoard(run_s, round(run_s * 80e6))
    timed = time_by_host(cast(Client, slow), 80_000_000, 115_200)
    assert timed is not None
    assert max(slow.asked) == most_runs
    assert timed.runs == most_runs - 1
    assert timed.device_s == pytest.approx(timed.runs * run_s)
    assert timed.host_s == pytest.approx(timed.runs * run_s)
    assert timed.agrees


def test_a_wrong_frequency_is_found_with_these_inferences() -> None:
    for claimed_hz in (40_000_000, 160_000_000):
        timed = time_by_host(cast(Client, SlowBoard(0.01, 800_000)), claimed_hz, 115_200)
        assert timed is not None
        assert not timed.agrees


def test_a_line_that_repeats_everything_gives_no_comparison() -> None:
    assert time_by_host(cast(Client, SlowBoard(0.01, 800_000, repeated=True)), 80_000_000, 115_200) is None


def test_p99_is_among_the_statistics() -> None:
    spread = spread_of([1000.0, *map(float, range(101))])
    assert spread is not None
    assert (spread.first, spread.min, spread.median, spread.p95, spread.p99, spread.max) == (
        1000,
        0,
        50,
        95,
        99,
        100,
    )
    assert spread.count == 102
