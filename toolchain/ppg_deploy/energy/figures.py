"""From a trace and its gates to the figures of the report."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.energy.gates import Gates, Schedule
from ppg_deploy.energy.instrument import Samples
from ppg_deploy.energy.schema import Battery, PerInference
from ppg_deploy.errors import DeviceError

LEVEL = 0.95
RESAMPLES = 2000
SEED = 0
_MARGIN = 0.1
"""Part of a stretch between gates that is left out at each of its ends: the board's clock is not the instrument's."""


@dataclass(frozen=True)
class BetweenGates:
    """Mean currents between gates, in A; None where the schedule has no such stretch or all of it was lost."""

    idle_a: float | None
    sleep_a: float | None


def gate_energies(samples: Samples, gates: Gates, voltage_v: float) -> NDArray[np.float64]:
    """(N,) energy of each gate in J: the sum of its samples times their distance."""
    power = samples.current_a * (voltage_v if samples.voltage_v is None else samples.voltage_v)
    total = np.concatenate([[0.0], np.cumsum(power)])
    return np.asarray((total[gates.end] - total[gates.start]) / samples.sample_hz)


def per_inference(
    samples: Samples, gates: Gates, *, voltage_v: float, inferences_per_gate: int
) -> PerInference:
    """Energy of one inference.

    Raises:
        DeviceError: no gate can be used.
    """
    if not len(gates):
        raise DeviceError(
            "no inference can be found in the trace: "
            f"{gates.lost} gates with lost samples, {gates.odd} of odd length, {gates.partial} cut off",
            hint="check the wire from the board's gate pin to the instrument's digital input, and --gate-input",
        )
    energies = gate_energies(samples, gates, voltage_v) / inferences_per_gate
    seconds = float(np.sum(gates.end - gates.start)) / samples.sample_hz
    interval = mean_interval(energies)
    return PerInference(
        mean_j=float(energies.mean()),
        p95_j=float(np.percentile(energies, 95)),
        min_j=float(energies.min()),
        max_j=float(energies.max()),
        ci95_low_j=None if interval is None else interval[0],
        ci95_high_j=None if interval is None else interval[1],
        mean_power_w=float(energies.sum()) * inferences_per_gate / seconds,
    )


def mean_interval(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """95 % bootstrap interval of the mean of values (N,); None with fewer than two."""
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(SEED).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    return float(low), float(high)


def between_gates(samples: Samples, gates: Gates, schedule: Schedule) -> BetweenGates:
    """Currents after each gate: first awake, then asleep.

    Lost samples in these stretches do no harm.
    """
    idle, sleep = [], []
    time_s = samples.time_s
    for end, start in zip(gates.end[:-1], gates.start[1:], strict=True):
        begin_s, stop_s = float(time_s[end - 1]) + 1.0 / samples.sample_hz, float(time_s[start])
        # Both clocks meet at the gates: the awake part is measured from the one, the sleep from the other. So a gate
        # between them that was left out does no harm.
        idle.append(_between(samples, time_s, begin_s, begin_s + schedule.awake_s))
        sleep.append(_between(samples, time_s, stop_s - schedule.sleep_s, stop_s))
    return BetweenGates(_mean(idle), _mean(sleep))


def _between(
    samples: Samples, time_s: NDArray[np.float64], begin_s: float, end_s: float
) -> NDArray[np.float64]:
    margin = _MARGIN * (end_s - begin_s)
    first, last = np.searchsorted(time_s, [begin_s + margin, end_s - margin])
    return samples.current_a[first:last]


def _mean(parts: list[NDArray[np.float64]]) -> float | None:
    values = np.concatenate(parts) if parts else np.zeros(0)
    return float(values.mean()) if len(values) else None


def average_power_w(
    *, energy_j: float, inference_s: float, sleep_a: float | None, voltage_v: float, interval_s: float
) -> float | None:
    """Mean power at one inference per `interval_s`, asleep in between; None when that cannot be."""
    if sleep_a is None or inference_s > interval_s:
        return None
    return (energy_j + sleep_a * voltage_v * (interval_s - inference_s)) / interval_s


def battery_life(*, power_w: float, voltage_v: float, capacity_mah: float, usable_fraction: float) -> Battery:
    """Life of a battery that gives the mean current; see Battery for what is assumed."""
    mean_ma = power_w / voltage_v * 1000.0
    return Battery(
        capacity_mah=capacity_mah,
        usable_fraction=usable_fraction,
        life_hours=capacity_mah * usable_fraction / mean_ma,
    )
