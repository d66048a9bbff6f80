"""Figures of traces whose energies are worked out by hand."""

import numpy as np
import pytest

from ppg_deploy.boards import Power
from ppg_deploy.energy.estimate import estimate_energy
from ppg_deploy.energy.figures import (
    average_power_w,
    battery_life,
    between_gates,
    gate_energies,
    mean_interval,
    per_inference,
)
from ppg_deploy.energy.gates import Schedule, gates_by_input
from ppg_deploy.energy.instrument import Samples
from ppg_deploy.energy.schema import EnergyEstimated
from ppg_deploy.errors import DeviceError
from ppg_deploy.report import Spread
from ppg_deploy.report.schema import Cost
from tests.support.current_trace import KnownTrace

HZ = 100_000.0
KNOWN = KnownTrace((0.010, 0.020, 0.010, 0.020), gate_s=0.02, awake_a=0.004, awake_s=0.01, sleep_a=0.001)
SCHEDULE = Schedule(4, KNOWN.gate_s, KNOWN.awake_s, KNOWN.sleep_s)


def samples(*, voltage_v: float | None = None) -> Samples:
    index = np.arange(40_000)
    # In the middle between two instants, so that no sample lies on an edge.
    current, digital = KNOWN.at((index + 0.5) / HZ)
    volts = None if voltage_v is None else np.full(len(index), voltage_v)
    return Samples(HZ, index, current, digital, volts)


def test_energy_of_each_gate() -> None:
    trace = samples()
    # 10 mA * 3 V * 20 ms = 600 uJ, 20 mA: 1200 uJ
    energies = gate_energies(trace, gates_by_input(trace, 0), 3.0)
    assert energies == pytest.approx([600e-6, 1200e-6, 600e-6, 1200e-6], rel=1e-9)


def test_measured_voltage_is_used_where_there_is_one() -> None:
    trace = samples(voltage_v=1.8)
    assert gate_energies(trace, gates_by_input(trace, 0), 3.0)[0] == pytest.approx(360e-6)


def test_per_inference() -> None:
    trace = samples()
    each = per_inference(trace, gates_by_input(trace, 0), voltage_v=3.0, inferences_per_gate=5)
    assert each.mean_j == pytest.approx(180e-6)  # (120 + 240) / 2
    assert each.min_j == pytest.approx(120e-6)
    assert each.max_j == pytest.approx(240e-6)
    assert each.p95_j == pytest.approx(240e-6)  # linear between 240 and 240
    assert each.mean_power_w == pytest.approx(0.045)  # 15 mA at 3 V
    assert each.ci95_low_j is not None
    assert each.ci95_high_j is not None
    assert 119.9e-6 < each.ci95_low_j < 180e-6 < each.ci95_high_j < 240.1e-6


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    hits = 0
    for _ in range(200):
        interval = mean_interval(random.normal(5.0, 1.0, 40))
        assert interval is not None
        hits += interval[0] <= 5.0 <= interval[1]
    assert 180 <= hits <= 199  # 95 % of 200 is 190; a bootstrap of 40 values is a little narrow


def test_one_gate_has_no_interval() -> None:
    assert mean_interval(np.array([1.0])) is None


def test_no_gate_at_all_is_an_error_that_names_the_wire() -> None:
    trace = Samples(HZ, np.arange(100), np.zeros(100), np.zeros(100, np.uint8))
    with pytest.raises(DeviceError, match="no inference") as caught:
        per_inference(trace, gates_by_input(trace, 0), voltage_v=3.0, inferences_per_gate=1)
    assert "gate pin" in caught.value.hint


def test_idle_and_sleep_currents() -> None:
    trace = samples()
    found = between_gates(trace, gates_by_input(trace, 0), SCHEDULE)
    assert found.idle_a == pytest.approx(0.004)
    assert found.sleep_a == pytest.approx(0.001)


def test_a_missing_gate_does_not_leak_into_the_sleep_current() -> None:
    trace = samples()
    kept = np.r_[0:10_500, 10_600:40_000]  # samples of the second gate are lost
    trace = Samples(HZ, trace.index[kept], trace.current_a[kept], trace.digital[kept])
    gates = gates_by_input(trace, 0)
    assert gates.lost == 1
    assert between_gates(trace, gates, SCHEDULE).sleep_a == pytest.approx(0.001)


def test_currents_that_the_schedule_does_not_have() -> None:
    trace = samples()
    found = between_gates(trace, gates_by_input(trace, 0), Schedule(4, 0.02, 0.0, 0.03))
    assert found.idle_a is None
    assert between_gates(trace, gates_by_input(trace, 1), SCHEDULE).sleep_a is None  # not one gate


def test_mean_power_at_one_answer_per_two_seconds() -> None:
    # 1 mJ in 50 ms, then 1.95 s at 1 mA and 3 V: (1 + 5.85) mJ / 2 s
    power = average_power_w(energy_j=1e-3, inference_s=0.05, sleep_a=1e-3, voltage_v=3.0, interval_s=2.0)
    assert power == pytest.approx(3.425e-3)


def test_mean_power_cannot_be_when_the_inference_is_too_slow() -> None:
    assert average_power_w(energy_j=1.0, inference_s=2.1, sleep_a=1e-3, voltage_v=3.0, interval_s=2.0) is None
    assert average_power_w(energy_j=1.0, inference_s=0.1, sleep_a=None, voltage_v=3.0, interval_s=2.0) is None


def test_battery_life() -> None:
    # 3.3 mW at 3.3 V are 1 mA: 80 mAh of 100 last 80 h
    battery = battery_life(power_w=3.3e-3, voltage_v=3.3, capacity_mah=100.0, usable_fraction=0.8)
    assert battery.life_hours == pytest.approx(80.0)


POWER = Power(supply_v=3.0, run_current_ma=4.0, conditions="at 64 MHz", source="a datasheet", verified=False)


def cost(*, cycles: float | None = None, estimated: float | None = None) -> Cost:
    def spread(value: float | None) -> Spread | None:
        return (
            None
            if value is None
            else Spread(count=1, first=value, min=value, median=value, p95=value, max=value)
        )

    return Cost(
        instructions=None,
        instructions_source=None,
        cycles_estimated=spread(estimated),
        timing_model=None if estimated is None else "cortex-m4",
        cycles=spread(cycles),
        latency_ms=None,
        by_operator=(),
        by_function=(),
        note=None,
    )


def estimate(figures: Cost, power: Power | None = POWER, hz: int = 64_000_000) -> EnergyEstimated | None:
    return estimate_energy(figures, power, clock_hz=hz, documented_clock_hz=64_000_000)


def test_estimate_from_estimated_cycles_says_so() -> None:
    found = estimate(cost(estimated=6_400_000))
    assert found is not None
    # 12 mW for 100 ms
    assert found.energy_estimated_j == pytest.approx(1.2e-3)
    assert (found.cycles_source, found.timing_model) == ("cycles_estimated", "cortex-m4")
    assert (found.current_source, found.current_verified) == ("a datasheet", False)
    assert (found.supply_v, found.run_current_a, found.clock_hz) == (3.0, 0.004, 64_000_000)
    assert len(found.assumptions) == 4
    assert "cycles_estimated" in found.assumptions[0]


def test_estimate_prefers_measured_cycles() -> None:
    found = estimate(cost(cycles=3_200_000, estimated=6_400_000))
    assert found is not None
    assert found.energy_estimated_j == pytest.approx(0.6e-3)
    assert (found.cycles_source, found.timing_model) == ("cycles", None)
    assert not any("cycles_estimated" in assumption for assumption in found.assumptions)


def test_no_estimate_without_a_basis() -> None:
    assert estimate(cost()) is None
    assert estimate(cost(cycles=1.0), power=None) is None
    assert estimate(cost(cycles=1.0), hz=16_000_000) is None


def test_an_estimate_is_never_called_energy() -> None:
    assert not {"energy", "energy_j"} & set(EnergyEstimated.model_fields)
    assert "energy_estimated_j" in EnergyEstimated.model_fields
