"""Energy of a board's inferences: the instrument is open and supplies the board while the usual bench runs, and then
records a power run."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ppg_deploy.boards import Board
from ppg_deploy.energy.estimate import estimate_energy
from ppg_deploy.energy.figures import average_power_w, battery_life, between_gates, per_inference
from ppg_deploy.energy.gates import Gates, Schedule, gates_by_input, gates_by_time
from ppg_deploy.energy.instrument import Identity, Instrument, Mode, Setting
from ppg_deploy.energy.open import Opened, open_instrument
from ppg_deploy.energy.record import Trace, record
from ppg_deploy.energy.schema import EnergyMeasured, GateFacts, InstrumentFacts
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.ports import Connection
from ppg_deploy.project import POWER_FLAG, Manifest
from ppg_deploy.report import Report
from ppg_deploy.report.schema import Cost
from ppg_deploy.results import EnergyTrace
from ppg_deploy.wire import Client
from ppg_deploy.wire.link import NoAnswerError
from ppg_deploy.wire.messages import PowerRunReply
from ppg_deploy.wire.table import MAX_POWER_BURSTS

_LEAST_GATE_S = 0.02
"""2,000 samples at 100 kHz: one sample more or less at each edge is 0.1 %."""
_AWAKE_MS = 20
_SLEEP_MS = 50
_TIMING_RUNS = 4
_SCHEDULE_SLACK = 1.05
"""The board's clock may be a few percent slow, and its inferences slower on another supply."""
_TAIL_S = 0.3
_FINISH_S = 10.0
_CONNECT_S = 10.0
_POLL_S = 0.2
_PLAUSIBLE_NJ_PER_CYCLE = (0.02, 1.0)
"""MLPerf Tiny entries of Cortex-M4 and M33 boards lie between 0.05 and 0.4; see docs/energy.md."""


@dataclass(frozen=True)
class EnergyPlan:
    """What to measure energy with, and what for.

    Attributes:
        instrument: `ppk2`, `lpm01a`, `stlink-v3pwr` or `joulescope`, and `:PORT` where needed.
        voltage_v: supply voltage of the board, in V.
        mode: whether the instrument supplies the board.
        gate_input: digital input that the board's gate pin is wired to; None when it is not wired.
        bursts: gates to record.
        interval_s: time from one answer to the next in use, for mean power and battery life, in s.
        battery_mah: capacity of the battery in mAh; None for no statement.
        usable_fraction: part of it that can be used.
    """

    instrument: str
    voltage_v: float
    mode: Mode = "source"
    gate_input: int | None = 0
    bursts: int = 40
    interval_s: float = 2.0
    battery_mah: float | None = None
    usable_fraction: float = 0.8

    def __post_init__(self) -> None:
        for name, value, hint in (
            ("voltage", self.voltage_v, "--voltage"),
            ("battery capacity", 1.0 if self.battery_mah is None else self.battery_mah, "--battery-mah"),
            ("interval", self.interval_s, "interval_s"),
        ):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"a {name} of {value} makes no sense", hint=f"give {hint} a positive number")
        if not 0.0 < self.usable_fraction <= 1.0:
            raise InputError(
                f"a usable fraction of {self.usable_fraction} makes no sense", hint="choose one up to 1"
            )
        if not 2 <= self.bursts <= MAX_POWER_BURSTS:
            raise InputError(
                f"{self.bursts} bursts cannot be measured", hint=f"choose 2 to {MAX_POWER_BURSTS}"
            )


@dataclass(frozen=True)
class MeasuredEnergy:
    """The figures, and the trace and gates that they come from."""

    figures: EnergyMeasured
    trace: Trace
    gates: Gates


@dataclass(frozen=True)
class EnergyBench:
    """An instrument that supplies the board, ready to record."""

    plan: EnergyPlan
    opened: Opened
    identity: Identity

    @property
    def _instrument(self) -> Instrument:
        return self.opened.instrument

    def measure(self, connection: Connection, window: bytes, cost: Cost) -> MeasuredEnergy:
        """Record a power run.

        Args:
            connection: an open port to the board.
            window: codes of the input to run on.
            cost: of the inferences so far: with measured cycles, gates are planned and figures checked by them.

        Raises:
            DeviceError: board or instrument fail, or no inference can be found in the trace.
        """
        cycles = None if cost.cycles is None else cost.cycles.median
        client = Client(connection.stream)
        info = client.connect(boot_wait_s=0.0, timeout_s=_CONNECT_S)
        client.load_input(window)
        one_s = client.timed_runs(_TIMING_RUNS).host_s / _TIMING_RUNS
        if cycles is not None:
            one_s = cycles / info.clock_hz
        runs = max(1, min(math.ceil(_LEAST_GATE_S / one_s), MAX_POWER_BURSTS))
        planned = Schedule(self.plan.bursts, runs * one_s, _AWAKE_MS / 1000.0, _SLEEP_MS / 1000.0)
        seconds = (planned.total_s + planned.sleep_s) * _SCHEDULE_SLACK + _TAIL_S

        def begin() -> None:
            client.power_run(bursts=self.plan.bursts, runs=runs, awake_ms=_AWAKE_MS, sleep_ms=_SLEEP_MS)

        trace = record(self._instrument, begin, seconds)
        reply = _finished(client)
        if reply.model_status != 0 or reply.bursts_done != self.plan.bursts:
            raise DeviceError(
                f"the power run ended after {reply.bursts_done} of {self.plan.bursts} bursts with the runtime's code "
                f"{reply.model_status}",
                hint="bench without --energy to see which window fails",
            )
        if cycles is not None:
            planned = Schedule(
                self.plan.bursts, reply.burst_ticks / info.clock_hz, planned.awake_s, planned.sleep_s
            )
        return self._figures(trace, planned, runs, cycles)

    def _figures(self, trace: Trace, schedule: Schedule, runs: int, cycles: float | None) -> MeasuredEnergy:
        samples, notes = trace.samples, [] if trace.note is None else [trace.note]
        gates = self._gates(trace, schedule, notes)
        voltage_v = self.plan.voltage_v if samples.voltage_v is None else float(samples.voltage_v.mean())
        each = per_inference(samples, gates, voltage_v=voltage_v, inferences_per_gate=runs)
        currents = between_gates(samples, gates, schedule)
        gate_s = float((gates.end - gates.start).mean()) / samples.sample_hz
        power_w = average_power_w(
            energy_j=each.mean_j,
            inference_s=gate_s / runs,
            sleep_a=currents.sleep_a,
            voltage_v=voltage_v,
            interval_s=self.plan.interval_s,
        )
        left_out = gates.lost + gates.odd + gates.partial
        if len(gates) + left_out != schedule.bursts:
            notes.append(f"{len(gates) + left_out} gates were seen, the board made {schedule.bursts}")
        if cycles is not None:
            notes += _implausible(each.mean_j / cycles * 1e9)
        figures = EnergyMeasured(
            per_inference=each,
            idle_current_a=currents.idle_a,
            sleep_current_a=currents.sleep_a,
            interval_s=self.plan.interval_s,
            average_power_w=power_w,
            battery=None
            if power_w is None or self.plan.battery_mah is None
            else battery_life(
                power_w=power_w,
                voltage_v=voltage_v,
                capacity_mah=self.plan.battery_mah,
                usable_fraction=self.plan.usable_fraction,
            ),
            instrument=InstrumentFacts(
                name=self.identity.name,
                details=self.identity.details,
                port=self.opened.port,
                mode=self.plan.mode,
                voltage_v=voltage_v,
                voltage_measured=samples.voltage_v is not None,
                sample_hz=samples.sample_hz,
                loss_check=self._instrument.loss_check,
            ),
            gates=GateFacts(
                method=gates.method,
                input=self.plan.gate_input if gates.method == "digital input" else None,
                expected=schedule.bursts,
                used=len(gates),
                left_out_lost=gates.lost,
                left_out_odd=gates.odd,
                left_out_partial=gates.partial,
                glitches=gates.glitches,
                inferences_per_gate=runs,
                gate_s=gate_s,
                edge_uncertainty_s=gates.uncertainty_s,
                samples=len(samples),
                samples_lost=samples.lost,
            ),
            notes=tuple(notes),
        )
        return MeasuredEnergy(figures, trace, gates)

    def _gates(self, trace: Trace, schedule: Schedule, notes: list[str]) -> Gates:
        wired = self.plan.gate_input
        if wired is None or self.identity.digital_inputs == 0:
            return gates_by_time(trace.samples, schedule)
        if wired >= self.identity.digital_inputs:
            raise InputError(
                f"{self.identity.name} has no digital input {wired}",
                hint=f"choose --gate-input 0 to {self.identity.digital_inputs - 1}",
            )
        gates = gates_by_input(trace.samples, wired)
        if len(gates) + gates.lost + gates.odd + gates.partial:
            return gates
        notes.append(f"digital input {wired} never changed: the gate pin is not wired to it")
        return gates_by_time(trace.samples, schedule)


@contextmanager
def energy_bench(
    plan: EnergyPlan, manifest: Manifest, board: Board, say: Callable[[str], None]
) -> Iterator[EnergyBench]:
    """An instrument that supplies the board from here on; at the end it is left as it was found.

    Raises:
        InputError: the image cannot measure power, or a setting is beyond the instrument.
        DeviceError: the instrument does not answer.
        EnvironmentProblem: it cannot be opened.
    """
    if POWER_FLAG not in manifest.flags:
        raise InputError(
            "the firmware was built without --power: it never sleeps and marks no inference",
            hint="ppg-deploy build --power, then bench again",
        )
    opened = open_instrument(plan.instrument)
    try:
        identity = opened.instrument.identify()
        opened.instrument.configure(Setting(plan.voltage_v, plan.mode))
        opened.instrument.power(on=True)
        say(f"{identity.name} at {opened.port}: {plan.voltage_v:g} V, {plan.mode}; {identity.details}")
        if identity.digital_inputs and plan.gate_input is not None and board.gate is not None:
            say(
                f"gate pin {board.gate.pin} ({board.gate.connector}) belongs on digital input {plan.gate_input}"
            )
        yield EnergyBench(plan, opened, identity)
    finally:
        opened.instrument.close()


def with_energy(report: Report, board: Board, measured: MeasuredEnergy | None) -> Report:
    """The report with what was measured, and with the estimate for one inference where it has a basis."""
    estimated = estimate_energy(
        report.cost,
        board.power,
        clock_hz=report.device.clock_hz_reached,
        documented_clock_hz=board.clock_hz,
    )
    return report.model_copy(
        update={"energy": None if measured is None else measured.figures, "energy_estimated": estimated}
    )


def trace_of(measured: MeasuredEnergy) -> EnergyTrace:
    """The raw samples with the inferences in them, as a result keeps them."""
    samples, gates, instrument = measured.trace.samples, measured.gates, measured.figures.instrument
    edges = np.stack([samples.index[gates.start], samples.index[gates.end - 1] + 1], axis=1)
    return EnergyTrace(
        time_s=samples.time_s,
        current_a=samples.current_a,
        digital=samples.digital,
        gates_s=edges / samples.sample_hz,
        supply_v=instrument.voltage_v,
        instrument=f"{instrument.name} at {instrument.port}",
        gates_by=gates.method,
    )


def _finished(client: Client) -> PowerRunReply:
    """How the run went; it may still be running for a moment."""
    end = time.monotonic() + _FINISH_S
    while True:
        try:
            return client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0)
        except NoAnswerError:
            if time.monotonic() >= end:
                raise
            time.sleep(_POLL_S)


def _implausible(nj_per_cycle: float) -> list[str]:
    low, high = _PLAUSIBLE_NJ_PER_CYCLE
    if low <= nj_per_cycle <= high:
        return []
    return [
        f"{nj_per_cycle:.3g} nJ per cycle is far from any known chip of this kind ({low:g} to {high:g}): "
        "check the wiring, and what else hangs on the supply"
    ]
