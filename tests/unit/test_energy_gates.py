"""Cutting gates out of traces that are made by hand."""

import numpy as np
import pytest

from ppg_deploy.energy.gates import Gates, Schedule, gates_by_input, gates_by_time
from ppg_deploy.energy.instrument import Samples
from ppg_deploy.errors import DeviceError, InputError
from tests.support.current_trace import KnownTrace

HZ = 100_000.0


def levels(*runs: tuple[int, int], bit: int = 0) -> Samples:
    """(level, how many samples), ..."""
    digital = np.concatenate([np.full(count, level << bit, np.uint8) for level, count in runs])
    return Samples(HZ, np.arange(len(digital)), np.full(len(digital), 1e-3), digital)


def without(samples: Samples, first: int, count: int) -> Samples:
    kept = np.r_[0:first, first + count : len(samples)]
    return Samples(samples.sample_hz, samples.index[kept], samples.current_a[kept], samples.digital[kept])


def counted(gates: Gates) -> tuple[int, int, int, int, int]:
    return len(gates), gates.lost, gates.odd, gates.partial, gates.glitches


def test_edges_are_exact() -> None:
    gates = gates_by_input(levels((0, 100), (1, 1000), (0, 200), (1, 1000), (0, 50)), 0)
    assert gates.start.tolist() == [100, 1300]
    assert gates.end.tolist() == [1100, 2300]
    assert counted(gates) == (2, 0, 0, 0, 0)
    assert gates.method == "digital input"
    assert gates.uncertainty_s == 1e-5


def test_only_the_chosen_input_counts() -> None:
    samples = levels((0, 100), (1, 1000), (0, 100), bit=5)
    assert len(gates_by_input(samples, 5)) == 1
    assert len(gates_by_input(samples, 0)) == 0


def test_input_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="no digital input 8"):
        gates_by_input(levels((0, 10)), 8)


def test_gates_that_are_cut_off_are_left_out() -> None:
    gates = gates_by_input(levels((1, 500), (0, 100), (1, 1000), (0, 100), (1, 700)), 0)
    assert counted(gates) == (1, 0, 0, 2, 0)
    assert gates.start.tolist() == [600]


def test_glitches_neither_split_nor_make_a_gate() -> None:
    samples = levels(
        (0, 100), (1, 4), (0, 100), (1, 500), (0, 3), (1, 497), (0, 100), (1, 1000), (0, 2), (1, 4), (0, 94)
    )
    gates = gates_by_input(samples, 0)
    # The last one: after a drop of 2 samples, 4 more still belong to it.
    assert gates.start.tolist() == [204, 1304]
    assert gates.end.tolist() == [1204, 2310]
    assert counted(gates) == (2, 0, 0, 0, 3)


def test_gate_with_lost_samples_is_left_out_and_counted() -> None:
    whole = levels((0, 100), (1, 1000), (0, 200), (1, 1000), (0, 200), (1, 1000), (0, 50))
    gates = gates_by_input(without(whole, 1500, 3), 0)
    assert counted(gates) == (2, 1, 0, 0, 0)
    assert gates.start.tolist() == [100, 2497]  # positions, not numbers


@pytest.mark.parametrize("first", [98, 1098])
def test_loss_at_an_edge_costs_the_gate(first: int) -> None:
    whole = levels((0, 100), (1, 1000), (0, 200), (1, 1000), (0, 50))
    assert counted(gates_by_input(without(whole, first, 4), 0))[:2] == (1, 1)


def test_loss_between_gates_costs_nothing() -> None:
    whole = levels((0, 100), (1, 1000), (0, 200), (1, 1000), (0, 50))
    assert counted(gates_by_input(without(whole, 1150, 60), 0)) == (2, 0, 0, 0, 0)


def test_low_between_two_gates_that_is_lost_altogether() -> None:
    whole = levels((0, 100), (1, 1000), (0, 40), (1, 1000), (0, 100), (1, 1000), (0, 50))
    assert counted(gates_by_input(without(whole, 1100, 40), 0)) == (1, 1, 0, 0, 0)


def test_gate_of_odd_length_is_left_out() -> None:
    runs = [(0, 100), (1, 1000)] * 3 + [(0, 100), (1, 1500), (0, 100)]
    assert counted(gates_by_input(levels(*runs), 0)) == (3, 0, 1, 0, 0)


def trace_of(known: KnownTrace, seconds: float, noise_a: float = 0.0) -> Samples:
    index = np.arange(int(seconds * HZ))
    current, digital = known.at(index / HZ)
    current = current + np.random.default_rng(1).normal(0.0, noise_a, len(current)) if noise_a else current
    return Samples(HZ, index, current, digital)


@pytest.mark.parametrize("clock", [1.0, 1.012, 0.981])
@pytest.mark.parametrize("lead_s", [0.0637, 0.201])
def test_alignment_in_time_finds_what_the_input_shows(clock: float, lead_s: float) -> None:
    known = KnownTrace((0.012,) * 20, lead_s=lead_s, clock=clock)
    samples = trace_of(known, 1.6, noise_a=3e-4)
    by_time = gates_by_time(samples, Schedule(20, known.gate_s, known.awake_s, known.sleep_s))
    by_input = gates_by_input(samples, 0)
    assert by_time.method == "time alignment"
    assert len(by_time) == len(by_input) == 20
    worst = max(np.abs(by_time.start - by_input.start).max(), np.abs(by_time.end - by_input.end).max())
    assert worst <= by_time.uncertainty_s * HZ + 1
    assert by_time.uncertainty_s <= 0.02 * known.gate_s


def test_alignment_leaves_out_gates_with_lost_samples() -> None:
    known = KnownTrace((0.012,) * 10)
    samples = without(trace_of(known, 0.9), 10_500, 300)
    gates = gates_by_time(samples, Schedule(10, known.gate_s, known.awake_s, known.sleep_s))
    assert counted(gates)[:2] == (9, 1)


def test_current_without_the_schedule_is_refused() -> None:
    noise = np.random.default_rng(0).normal(5e-3, 1e-3, 90_000)
    samples = Samples(HZ, np.arange(90_000), noise, np.zeros(90_000, np.uint8))
    with pytest.raises(DeviceError, match="cannot be found in the current"):
        gates_by_time(samples, Schedule(10, 0.02, 0.01, 0.02))


def test_steady_current_is_refused() -> None:
    samples = Samples(HZ, np.arange(90_000), np.full(90_000, 5e-3), np.zeros(90_000, np.uint8))
    with pytest.raises(DeviceError):
        gates_by_time(samples, Schedule(10, 0.02, 0.01, 0.02))


def test_trace_that_is_too_short() -> None:
    with pytest.raises(DeviceError, match="too short"):
        gates_by_time(trace_of(KnownTrace((0.01,) * 10), 0.3), Schedule(10, 0.02, 0.01, 0.02))
    with pytest.raises(DeviceError, match="too short"):
        gates_by_time(Samples.none(HZ), Schedule(10, 0.02, 0.01, 0.02))
