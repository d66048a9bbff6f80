"""Energy in the report. `energy` is measured on a board; what is computed from cycles is called `energy_estimated`,
and both are objects that carry what they depend on. Units: J, W, A, V, s."""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InstrumentFacts(_Part):
    """What measured."""

    name: str
    details: str
    port: str
    mode: Literal["source", "ampere"]
    voltage_v: float
    voltage_measured: bool
    """True: `voltage_v` is the mean of what was measured. False: what was set, or what the user said."""
    sample_hz: float
    loss_check: str


class GateFacts(_Part):
    """How inferences were found in the trace, and what was left out."""

    method: Literal["digital input", "time alignment"]
    input: int | None
    expected: int
    used: int
    left_out_lost: int
    left_out_odd: int
    left_out_partial: int
    glitches: int
    inferences_per_gate: int
    gate_s: float
    """Mean length of a gate."""
    edge_uncertainty_s: float
    samples: int
    samples_lost: int


class PerInference(_Part):
    """Energy of one inference over the gates, each of which gives the mean of its inferences.

    `ci95_low` and `ci95_high` bound the mean (bootstrap over gates); null with fewer than two gates. They say nothing
    of the instrument's own error.
    """

    mean_j: float
    p95_j: float
    min_j: float
    max_j: float
    ci95_low_j: float | None
    ci95_high_j: float | None
    mean_power_w: float
    """During the inference."""


class Battery(_Part):
    """Life on a battery with the board at one answer per `interval_s`, asleep in between.

    The battery is taken to give the measured current at any voltage (no converter between), down to
    `usable_fraction` of its capacity, without self-discharge.
    """

    capacity_mah: float
    usable_fraction: float
    life_hours: float


class EnergyMeasured(_Part):
    """Measured on a board.

    `idle_current_a`: the core waits awake. `sleep_current_a`: it sleeps (WFI) between inferences with its clocks on.
    Either is null where the trace has no such stretch. `average_power_w` is at one inference per `interval_s`, the
    core asleep otherwise; null when an inference takes longer than that, or without a sleep current.
    """

    per_inference: PerInference
    idle_current_a: float | None
    sleep_current_a: float | None
    interval_s: float
    average_power_w: float | None
    battery: Battery | None
    instrument: InstrumentFacts
    gates: GateFacts
    notes: tuple[str, ...]


class EnergyEstimated(_Part):
    """supply_v * run_current_a * cycles / clock_hz, and nothing measured. All assumptions stand beside it."""

    energy_estimated_j: float
    cycles: float
    cycles_source: Literal["cycles", "cycles_estimated"]
    """`cycles` were measured on the board; `cycles_estimated` come from `timing_model`."""
    timing_model: str | None
    clock_hz: int
    supply_v: float
    run_current_a: float
    current_conditions: str
    current_source: str
    current_verified: bool
    assumptions: tuple[str, ...]
