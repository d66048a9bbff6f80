"""Instruments behind pseudo-terminals that speak the real protocols: figures of a known current, and faults."""

import time

import numpy as np
import pytest

from ppg_deploy.energy.figures import between_gates, gate_energies, per_inference
from ppg_deploy.energy.gates import Schedule, gates_by_input, gates_by_time
from ppg_deploy.energy.instrument import Instrument, Mode, Setting
from ppg_deploy.energy.open import open_instrument
from ppg_deploy.energy.powershield import LPM01A, PowerShield
from ppg_deploy.energy.record import Trace, record
from ppg_deploy.energy.serial_line import InstrumentLine
from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports import open_serial
from ppg_deploy.ports.usb import PortInfo
from tests.support.current_trace import KnownTrace
from tests.support.simulated_powershield import PowerShieldFaults, SimulatedPowerShield
from tests.support.simulated_ppk2 import FACTORS, Ppk2Faults, SimulatedPpk2, metadata_text

VOLTS = 3.0
KNOWN = KnownTrace((0.008, 0.012, 0.008, 0.012, 0.008, 0.012), bit=2)
SCHEDULE = Schedule(6, KNOWN.gate_s, KNOWN.awake_s, KNOWN.sleep_s)
SECONDS = 0.5
GARBAGE = bytes(range(1, 256)) * 3
# Alternately 8 mA and 12 mA at 3 V for 20 ms: 480 uJ and 720 uJ.
BY_HAND_J = [480e-6, 720e-6] * 3
WELL = Ppk2Faults()
ALL_WELL = PowerShieldFaults()


def nothing() -> None:
    """The simulated board needs no request."""


def measured(instrument: Instrument, mode: Mode = "source", seconds: float = SECONDS) -> Trace:
    try:
        instrument.identify()
        instrument.configure(Setting(VOLTS, mode))
        instrument.power(on=True)
        return record(instrument, nothing, seconds)
    finally:
        instrument.close()


def ppk2_trace(faults: Ppk2Faults = WELL, **options: object) -> Trace:
    with SimulatedPpk2(KNOWN, faults, **options) as simulated:
        return measured(open_instrument(f"ppk2:{simulated.port}").instrument)


@pytest.mark.parametrize("mode", ["source", "ampere"])
def test_ppk2_figures(mode: Mode) -> None:
    with SimulatedPpk2(KNOWN) as simulated:
        trace = measured(open_instrument(f"ppk2:{simulated.port}").instrument, mode)
        assert simulated.voltage_mv == 3000
        assert simulated.mode == {"ampere": 1, "source": 2}[mode]
    assert (trace.samples.lost, trace.note) == (0, None)
    gates = gates_by_input(trace.samples, 2)
    # 46 uA are one step of the converter in the range up to 60 mA; the spike filter blurs three samples at each edge.
    assert gate_energies(trace.samples, gates, VOLTS) == pytest.approx(BY_HAND_J, rel=5e-3)
    each = per_inference(trace.samples, gates, voltage_v=VOLTS, inferences_per_gate=4)
    assert each.mean_j == pytest.approx(150e-6, rel=5e-3)
    currents = between_gates(trace.samples, gates, SCHEDULE)
    assert currents.idle_a == pytest.approx(0.003, rel=2e-3)
    assert currents.sleep_a == pytest.approx(0.0008, rel=2e-3)


def test_ppk2_is_switched_off_at_the_end() -> None:
    with SimulatedPpk2(KNOWN) as simulated:
        measured(open_instrument(f"ppk2:{simulated.port}").instrument, seconds=0.05)
        end = time.monotonic() + 5.0
        while simulated.is_powered and time.monotonic() < end:
            time.sleep(0.01)
        assert not simulated.is_powered


def test_ppk2_with_garbage_on_the_line_slow_and_deaf_at_first() -> None:
    trace = ppk2_trace(Ppk2Faults(ignored_requests=1), greeting=GARBAGE, answer_delay_s=0.1)
    assert len(gates_by_input(trace.samples, 2)) == 6


def test_ppk2_left_measuring_by_somebody_else() -> None:
    with SimulatedPpk2(KNOWN) as simulated:
        first = open_instrument(f"ppk2:{simulated.port}").instrument
        first.identify()
        first.configure(Setting(VOLTS))
        first.start()  # and never stopped
        trace = measured(open_second(simulated.port, first))
    assert trace.samples.lost == 0


def open_second(port: str, first: Instrument) -> Instrument:
    """The same port again, after the program that had it open has died."""
    line = first._line  # type: ignore[attr-defined]
    line.close()
    return open_instrument(f"ppk2:{port}").instrument


def test_ppk2_lost_samples_are_counted_and_their_gate_left_out() -> None:
    # 20 samples in the first gate (5000 to 7000), 7 between gates.
    trace = ppk2_trace(Ppk2Faults(lost=((6000, 20), (8500, 7))))
    assert trace.samples.lost == 27
    gates = gates_by_input(trace.samples, 2)
    assert (len(gates), gates.lost) == (5, 1)
    assert gate_energies(trace.samples, gates, VOLTS) == pytest.approx(BY_HAND_J[1:], rel=5e-3)


def test_ppk2_gap_that_the_counter_cannot_see_is_noted() -> None:
    trace = ppk2_trace(Ppk2Faults(lost=((9000, 64 * 500),)))
    assert trace.samples.lost == 0
    assert trace.note is not None
    assert "more were lost" in trace.note


def test_ppk2_missing_byte() -> None:
    trace = ppk2_trace(Ppk2Faults(cut_byte_at=4 * 6000 + 2))
    assert 1 <= trace.samples.lost <= 6
    gates = gates_by_input(trace.samples, 2)
    assert (len(gates), gates.lost) == (5, 1)
    assert gate_energies(trace.samples, gates, VOLTS) == pytest.approx(BY_HAND_J[1:], rel=5e-3)


def test_ppk2_unplugged_in_the_middle() -> None:
    started = time.monotonic()
    with pytest.raises(DeviceError, match="is gone"):
        ppk2_trace(Ppk2Faults(unplug_at=20_000))
    assert time.monotonic() - started < 10.0


def test_ppk2_that_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppg_deploy.energy.record._FIRST_SAMPLES_S", 0.5)
    started = time.monotonic()
    with pytest.raises(DeviceError, match="no sample came"):
        ppk2_trace(Ppk2Faults(is_mute=True))
    assert time.monotonic() - started < 5.0


def test_ppk2_that_babbles() -> None:
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"something other than samples|no sample came"):
        ppk2_trace(Ppk2Faults(is_babbling=True))
    assert time.monotonic() - started < 20.0


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"login: ", "sends no metadata"),
        (b"Hello: 1\nWorld: 2\nEND", "its metadata ends after 2 lines"),
        (metadata_text()[:200], "its metadata ends after"),
    ],
)
def test_other_firmware_at_the_port(answer: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppg_deploy.energy.ppk2._METADATA_S", 0.2)
    with pytest.raises(DeviceError, match=message):
        ppk2_trace(Ppk2Faults(metadata=answer))


def test_ppk2_without_some_factors_says_so() -> None:
    factors = {name: values for name, values in FACTORS.items() if name != "UG"}
    with SimulatedPpk2(KNOWN, Ppk2Faults(metadata=metadata_text(factors))) as simulated:
        instrument = open_instrument(f"ppk2:{simulated.port}").instrument
        assert "defaults for UG0" in instrument.identify().details
        instrument.close()


def powershield_trace(
    faults: PowerShieldFaults = ALL_WELL, *, is_stlink: bool = False, **options: object
) -> Trace:
    name = "stlink-v3pwr" if is_stlink else "lpm01a"
    with SimulatedPowerShield(KNOWN, faults, is_stlink=is_stlink, **options) as simulated:
        return measured(open_instrument(f"{name}:{simulated.port}").instrument)


@pytest.mark.parametrize("is_stlink", [False, True])
def test_powershield_figures_by_time_alignment(is_stlink: bool) -> None:
    trace = powershield_trace(is_stlink=is_stlink)
    assert (trace.samples.lost, trace.note) == (0, None)
    gates = gates_by_time(trace.samples, SCHEDULE)
    assert gates.method == "time alignment"
    # 12 bits in steps of 16: up to 0.2 %; an edge may be off by 0.12 ms of 20.
    assert gate_energies(trace.samples, gates, VOLTS) == pytest.approx(BY_HAND_J, rel=8e-3)
    currents = between_gates(trace.samples, gates, SCHEDULE)
    assert currents.idle_a == pytest.approx(0.003, rel=5e-3)
    assert currents.sleep_a == pytest.approx(0.0008, rel=5e-3)


def test_powershield_in_text_format() -> None:
    with SimulatedPowerShield(KNOWN) as simulated:
        line = InstrumentLine(open_serial(simulated.port, LPM01A.baud).stream, "the LPM01A")
        trace = measured(PowerShield(line, LPM01A, sample_hz=5_000, is_binary=False))
        assert "format ascii_dec" in simulated.commands
        assert "freq 5k" in simulated.commands
    assert (trace.samples.lost, trace.note) == (0, None)
    gates = gates_by_time(trace.samples, SCHEDULE)
    assert gate_energies(trace.samples, gates, VOLTS) == pytest.approx(
        BY_HAND_J, rel=0.04
    )  # a gate has 100 samples


def test_text_format_is_refused_where_it_is_too_slow() -> None:
    with SimulatedPowerShield(KNOWN) as simulated:
        stream = open_serial(simulated.port, LPM01A.baud).stream
        with pytest.raises(InputError, match="up to 5000 samples"):
            PowerShield(InstrumentLine(stream, ""), LPM01A, sample_hz=10_000, is_binary=False)
        stream.close()


def test_powershield_commands_in_order() -> None:
    with SimulatedPowerShield(KNOWN) as simulated:
        measured(open_instrument(f"lpm01a:{simulated.port}").instrument, seconds=0.15)
        commands = simulated.commands
    order = ["htc", "format bin_hexa", "freq 100k", "volt 3000m", "pwr on", "start"]
    places = [commands.index(command) for command in order]
    assert places == sorted(places)
    assert commands.index("start") < len(commands) - 1 - commands[::-1].index("stop")


def test_powershield_with_garbage_and_slow() -> None:
    trace = powershield_trace(greeting=b"PowerShield > " + GARBAGE, answer_delay_s=0.05)
    assert len(gates_by_time(trace.samples, SCHEDULE)) == 6


def test_powershield_lost_samples_cost_their_stretch() -> None:
    # A time stamp every 100 ms: samples 10000 to 20000 are one stretch.
    trace = powershield_trace(PowerShieldFaults(lost=((12_000, 300),)))
    assert trace.samples.lost == 10_000
    assert not np.isin(np.arange(10_000, 20_000), trace.samples.index).any()


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (PowerShieldFaults(refused="freq 100k"), "refuses 'freq 100k': .*value out of range"),
        (PowerShieldFaults(refused="volt 3000m"), "refuses 'volt 3000m'"),
        (PowerShieldFaults(overcurrent_at=15_000), "overcurrent"),
        (PowerShieldFaults(error_at=15_000), "reports: Buffer full"),
        (PowerShieldFaults(never_stops=True), "does not stop within 3 s"),
    ],
)
def test_powershield_troubles_are_told(faults: PowerShieldFaults, message: str) -> None:
    started = time.monotonic()
    with pytest.raises(DeviceError, match=message):
        powershield_trace(faults)
    assert time.monotonic() - started < 15.0


def test_powershield_refuses_ampere_mode_and_high_voltages() -> None:
    with SimulatedPowerShield(KNOWN) as simulated:
        instrument = open_instrument(f"lpm01a:{simulated.port}").instrument
        instrument.identify()
        with pytest.raises(InputError, match="no ampere meter"):
            instrument.configure(Setting(VOLTS, "ampere"))
        with pytest.raises(InputError, match=r"1\.8 V to 3\.3 V"):
            instrument.configure(Setting(3.6))
        instrument.close()


def test_wrong_instrument_at_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppg_deploy.energy.ppk2._METADATA_S", 0.2)
    monkeypatch.setattr("ppg_deploy.energy.powershield._ANSWER_S", 0.3)
    with (
        SimulatedPowerShield(KNOWN) as simulated,
        pytest.raises(DeviceError, match="does not answer like a PPK2"),
    ):
        measured(open_instrument(f"ppk2:{simulated.port}").instrument)
    with SimulatedPpk2(KNOWN) as other, pytest.raises(DeviceError, match="does not answer 'htc'"):
        measured(open_instrument(f"lpm01a:{other.port}").instrument)


def port(name: str, vendor: int, product: int) -> PortInfo:
    return PortInfo(name, "fake", vendor, product, None)


def test_instrument_is_found_by_its_usb_id() -> None:
    with SimulatedPpk2(KNOWN) as simulated:
        opened = open_instrument(
            "ppk2", ports=[port("/dev/other", 0x0483, 0x374B), port(simulated.port, 0x1915, 0xC00A)]
        )
        assert opened.port == simulated.port
        opened.instrument.close()


def test_which_instrument_is_not_guessed() -> None:
    with pytest.raises(InputError, match="several ports"):
        open_instrument("ppk2", ports=[port("/dev/a", 0x1915, 0xC00A), port("/dev/b", 0x1915, 0xC00A)])
    with pytest.raises(DeviceError, match=r"1915:c00a"):
        open_instrument("ppk2", ports=[port("/dev/a", 0x0483, 0x374B)])
    with pytest.raises(InputError, match="no instrument 'ammeter'"):
        open_instrument("ammeter")


def test_joulescope_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "joulescope", None)
    with pytest.raises(EnvironmentProblem, match="package joulescope") as caught:
        open_instrument("joulescope")
    assert "ppg-deploy[joulescope]" in caught.value.hint
