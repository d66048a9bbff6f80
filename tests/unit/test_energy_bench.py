"""What bench makes of a recorded power run, and of its options."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from ppg_deploy.benching.energy import EnergyBench, EnergyPlan, MeasuredEnergy, energy_bench
from ppg_deploy.boards import load_board
from ppg_deploy.cli.bench_energy import energy_plan
from ppg_deploy.energy.gates import Schedule
from ppg_deploy.energy.instrument import Identity, Instrument, Samples
from ppg_deploy.energy.open import Opened
from ppg_deploy.energy.record import Trace
from ppg_deploy.errors import DeviceError, InputError
from tests.support.current_trace import KnownTrace

HZ = 100_000.0
KNOWN = KnownTrace((0.010,) * 6, bit=1)
SCHEDULE = Schedule(6, KNOWN.gate_s, KNOWN.awake_s, KNOWN.sleep_s)
# 10 mA * 3 V * 20 ms / 5
BY_HAND_J = 120e-6


def figures(
    *,
    inputs: int = 8,
    gate_input: int | None = 1,
    cycles: float | None = None,
    battery_mah: float | None = None,
) -> MeasuredEnergy:
    index = np.arange(45_000)
    current, digital = KNOWN.at((index + 0.5) / HZ)
    plan = EnergyPlan("ppk2", 3.0, gate_input=gate_input, bursts=6, battery_mah=battery_mah)
    instrument = cast(Instrument, SimpleNamespace(loss_check="a counter"))
    subject = EnergyBench(plan, Opened(instrument, "/dev/x"), Identity("fake", "no 7", inputs, 1.0))
    samples = Samples(HZ, index, current, digital if inputs else np.zeros_like(digital))
    return subject._figures(Trace(samples, 0.45, None), SCHEDULE, 5, cycles)


def test_wired_input() -> None:
    found = figures().figures
    assert (found.gates.method, found.gates.input, found.gates.used) == ("digital input", 1, 6)
    assert found.per_inference.mean_j == pytest.approx(BY_HAND_J, rel=1e-6)
    assert found.notes == ()
    assert found.battery is None


@pytest.mark.parametrize(("inputs", "gate_input"), [(0, 0), (8, None)])
def test_no_input_or_none_wired(inputs: int, gate_input: int | None) -> None:
    found = figures(inputs=inputs, gate_input=gate_input).figures
    assert (found.gates.method, found.gates.input) == ("time alignment", None)
    assert found.per_inference.mean_j == pytest.approx(BY_HAND_J, rel=6e-3)
    assert found.notes == ()


def test_input_that_never_changes_is_noted() -> None:
    found = figures(gate_input=3).figures
    assert found.gates.method == "time alignment"
    assert found.notes == ("digital input 3 never changed: the gate pin is not wired to it",)


def test_input_that_the_instrument_has_not() -> None:
    with pytest.raises(InputError, match="no digital input 1"):
        figures(inputs=1)


def test_battery_life_by_hand() -> None:
    found = figures(battery_mah=200.0).figures
    # 4 ms at 10 mA, 1.996 s at 0.8 mA, in 2 s: 0.8184 mA; 160 mAh of 200
    assert found.average_power_w == pytest.approx(0.8184e-3 * 3.0, rel=1e-5)
    assert found.battery is not None
    assert found.battery.life_hours == pytest.approx(160.0 / 0.8184, rel=1e-5)


@pytest.mark.parametrize(("cycles", "is_plausible"), [(1_000_000, True), (10_000, False), (1e8, False)])
def test_implausible_energy_per_cycle_is_noted(cycles: float, is_plausible: bool) -> None:
    notes = figures(cycles=cycles).figures.notes  # 0.12, 12 and 0.0012 nJ per cycle
    assert any("nJ per cycle" in note for note in notes) is not is_plausible


def test_gates_that_are_missing_altogether_are_noted() -> None:
    index = np.arange(45_000)
    current, digital = KNOWN.at((index + 0.5) / HZ)
    plan = EnergyPlan("ppk2", 3.0, gate_input=1, bursts=9)
    instrument = cast(Instrument, SimpleNamespace(loss_check=""))
    subject = EnergyBench(plan, Opened(instrument, ""), Identity("fake", "", 8, 1.0))
    trace = Trace(Samples(HZ, index, current, digital), 0.45, "a note of the recorder")
    schedule = Schedule(9, KNOWN.gate_s, KNOWN.awake_s, KNOWN.sleep_s)
    assert subject._figures(trace, schedule, 5, None).figures.notes == (
        "a note of the recorder",
        "6 gates were seen, the board made 9",
    )


def options(**given: Any) -> EnergyPlan | None:
    defaults: dict[str, Any] = {
        "instrument": "ppk2",
        "voltage": 3.3,
        "mode": "source",
        "gate_input": "0",
        "battery_mah": None,
        "battery_usable": 0.8,
    }
    return energy_plan(**{**defaults, **given})


def test_options() -> None:
    assert options(instrument=None, voltage=None) is None
    assert options(gate_input="none", battery_mah=100.0) == EnergyPlan(
        "ppk2", 3.3, gate_input=None, battery_mah=100.0
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"voltage": None}, "needs the board's supply voltage"),
        ({"instrument": None}, "about measured energy"),
        ({"voltage": -1.0}, "voltage of -1.0 makes no sense"),
        ({"voltage": float("nan")}, "makes no sense"),
        ({"battery_mah": 0.0}, "capacity of 0.0 makes no sense"),
        ({"gate_input": "x"}, "neither a number nor none"),
        ({"gate_input": "-1"}, "neither a number nor none"),
        ({"battery_usable": 1.5}, "usable fraction"),
    ],
)
def test_options_that_make_no_sense(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        options(**given)


def test_image_without_power_is_refused_before_the_instrument_is_touched() -> None:
    manifest = cast(Any, SimpleNamespace(flags=("-O2",)))
    with (
        pytest.raises(InputError, match="built without --power"),
        energy_bench(EnergyPlan("ppk2:/dev/nowhere", 3.3), manifest, load_board("nucleo-l4"), lambda _: None),
    ):
        pass


def test_instrument_is_released_when_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    class Broken:
        def identify(self) -> Identity:
            raise DeviceError("no", hint="no")

        def close(self) -> None:
            calls.append("close")

    opened = Opened(cast(Instrument, Broken()), "")
    monkeypatch.setattr("ppg_deploy.benching.energy.open_instrument", lambda _: opened)
    manifest = cast(Any, SimpleNamespace(flags=("-DPPG_POWER_RUN",)))
    with (
        pytest.raises(DeviceError),
        energy_bench(EnergyPlan("ppk2", 3.3), manifest, load_board("nucleo-l4"), lambda _: None),
    ):
        pass
    assert calls == ["close"]
