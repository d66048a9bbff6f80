"""Where inferences lie in a trace: by the gate pin on a digital input, or by aligning the known schedule in time."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.energy.instrument import Samples
from ppg_deploy.errors import DeviceError, InputError

GLITCH_S = 50e-6
"""Shorter pulses, either way, are crosstalk: a gate lasts milliseconds."""
_ODD_LENGTH = 0.2
"""A gate whose length differs from the median by more is not one of the bursts."""
_SCALES = 0.03
"""How far the board's clock may be off the instrument's: twice the worst internal oscillator (1 %), and more."""
_LEAST_CONTRAST = 4.0
"""Difference between inside and outside, over the scatter of the two, below which no alignment is believed."""

Method = Literal["digital input", "time alignment"]


@dataclass(frozen=True)
class Schedule:
    """What the board was told to do: `bursts` times the gate, then awake, then asleep.

    Attributes:
        bursts: how many gates.
        gate_s: how long the gate is high, in s; measured by the board's own counter.
        awake_s: afterwards the core waits awake, in s.
        sleep_s: then it sleeps, in s, until the next gate.
    """

    bursts: int
    gate_s: float
    awake_s: float
    sleep_s: float

    @property
    def period_s(self) -> float:
        """From one gate to the next."""
        return self.gate_s + self.awake_s + self.sleep_s

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.bursts * self.period_s


@dataclass(frozen=True)
class Gates:
    """Windows in a trace, as positions in its arrays; the end is exclusive.

    Attributes:
        method: how they were found.
        start: (N,) first sample of each complete gate without lost samples.
        end: (N,) sample after the last one.
        lost: gates left out because samples are missing in them.
        odd: gates left out because their length is not that of the others.
        partial: gates left out because the trace begins or ends in them.
        glitches: pulses too short to be gates, ignored.
        uncertainty_s: how far each edge may be off.
    """

    method: Method
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    lost: int
    odd: int
    partial: int
    glitches: int
    uncertainty_s: float

    def __len__(self) -> int:
        return len(self.start)


def gates_by_input(samples: Samples, bit: int, *, glitch_s: float = GLITCH_S) -> Gates:
    """Gates where input `bit` is high.

    Pulses below `glitch_s` are ignored, first those to low, then those to high.

    Raises:
        InputError: there is no such input.
    """
    if not 0 <= bit < 8:
        raise InputError(f"there is no digital input {bit}", hint="choose one of 0 to 7")
    high = ((samples.digital >> np.uint8(bit)) & 1).astype(np.bool_)
    shortest = max(1, round(glitch_s * samples.sample_hz))
    high, lows = _without_short_runs(samples.index, high, value=False, shortest=shortest)
    high, highs = _without_short_runs(samples.index, high, value=True, shortest=shortest)
    start, end = _runs(high)
    partial = 0
    if len(start) and start[0] == 0:
        start, end, partial = start[1:], end[1:], partial + 1
    if len(end) and end[-1] == len(high):
        start, end, partial = start[:-1], end[:-1], partial + 1
    return _complete(samples, start, end, "digital input", partial, lows + highs, 1.0 / samples.sample_hz)


def gates_by_time(samples: Samples, schedule: Schedule) -> Gates:
    """Gates where the schedule fits best: the current inside them differs most from that between them.

    Start and speed of the board's clock are searched, the latter within 3 % of the instrument's.

    Raises:
        DeviceError: the trace is too short, or the current tells nothing of the schedule.
    """
    if not len(samples) or samples.index[-1] / samples.sample_hz < schedule.total_s * (1.0 + _SCALES):
        seconds = float(samples.index[-1] / samples.sample_hz) if len(samples) else 0.0
        raise DeviceError(
            f"the trace of {seconds:.2f} s is too short for a schedule of {schedule.total_s:.2f} s",
            hint="measure again; if it persists, the instrument loses samples",
        )
    offset, scale, step = _best_place(samples, schedule)
    begin = offset + np.arange(schedule.bursts) * schedule.period_s * scale
    start = np.searchsorted(samples.index, np.ceil(begin * samples.sample_hz))
    end = np.searchsorted(samples.index, np.ceil((begin + schedule.gate_s * scale) * samples.sample_hz))
    found = _complete(samples, start, end, "time alignment", 0, 0, step)
    _require_contrast(samples, found)
    return found


@dataclass(frozen=True)
class _Fit:
    """Charge inside the gates for many places of the schedule at once.

    `charge` is the sum of the current's deviation from its mean, over steps of `step_s`.
    """

    schedule: Schedule
    step_s: float
    charge: NDArray[np.float64]

    @classmethod
    def of(cls, samples: Samples, schedule: Schedule, step_s: float) -> "_Fit":
        # One value per step of time; a step all of whose samples were lost counts as average.
        grid = np.arange(0.0, float(samples.index[-1]) / samples.sample_hz, step_s)
        charge = np.concatenate([[0.0], np.cumsum(samples.current_a - samples.current_a.mean())])
        at = np.searchsorted(samples.index, grid * samples.sample_hz)
        counts = np.maximum(np.diff(at), 1)
        return cls(schedule, step_s, np.concatenate([[0.0], np.cumsum(np.diff(charge[at]) / counts)]))

    def best(self, offsets: NDArray[np.float64], scales: NDArray[np.float64]) -> tuple[float, float]:
        """Offset in s and scale at which the gates hold most charge; the middle of those that are equally good."""
        scores = np.stack([self._score(offsets, float(scale)) for scale in scales])
        rows, columns = np.nonzero(scores >= scores.max() - 1e-9 * np.abs(scores).max())
        middle = len(rows) // 2
        row = rows[middle]
        return float(np.median(offsets[columns[rows == row]])), float(scales[row])

    def _score(self, offsets: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
        total = np.zeros(len(offsets))
        for burst in range(self.schedule.bursts):
            begin = offsets + burst * self.schedule.period_s * scale
            end = begin + self.schedule.gate_s * scale
            total += self._at(end) - self._at(begin)
        return total

    def _at(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        position = np.clip(np.rint(time_s / self.step_s).astype(np.int64), 0, len(self.charge) - 1)
        return np.asarray(self.charge[position])


def _best_place(samples: Samples, schedule: Schedule) -> tuple[float, float, float]:
    """Offset in s, clock scale, and how far each edge may be off in s: a coarse search, then a fine one around it."""
    end_s = float(samples.index[-1]) / samples.sample_hz
    sample_s = 1.0 / samples.sample_hz
    coarse_s = max(schedule.gate_s / 50.0, sample_s)
    # Over the whole schedule, one step of the scale shifts a gate by a tenth of its length.
    scale_step = schedule.gate_s / 10.0 / schedule.total_s
    scales = 1.0 + np.arange(-_SCALES, _SCALES + scale_step, scale_step)
    offsets = np.arange(0.0, end_s - schedule.total_s * (1.0 - _SCALES), coarse_s)
    offset, scale = _Fit.of(samples, schedule, coarse_s).best(offsets, scales)
    fine_s = max(schedule.gate_s / 1000.0, sample_s)
    # A scale that is off by one step has moved the best offset by up to a gate's tenth.
    reach = schedule.gate_s / 5.0
    offset, scale = _Fit.of(samples, schedule, fine_s).best(
        np.arange(max(offset - reach, 0.0), offset + reach, fine_s),
        scale + scale_step * np.linspace(-1.5, 1.5, 61),
    )
    return offset, scale, fine_s + scale_step / 20.0 * schedule.total_s


def _complete(
    samples: Samples,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    method: Method,
    partial: int,
    glitches: int,
    uncertainty_s: float,
) -> Gates:
    """The gates that may be used; the others are counted."""
    whole = np.array(
        [
            last > first and _is_gapless(samples.index, int(first), int(last))
            for first, last in zip(start, end, strict=True)
        ],
        np.bool_,
    )
    lost = int(np.count_nonzero(~whole))
    start, end = start[whole], end[whole]
    length = end - start
    usual = (
        np.abs(length - np.median(length)) <= _ODD_LENGTH * np.median(length) if len(length) else whole[:0]
    )
    return Gates(
        method=method,
        start=start[usual],
        end=end[usual],
        lost=lost,
        odd=int(np.count_nonzero(~usual)),
        partial=partial,
        glitches=glitches,
        uncertainty_s=uncertainty_s,
    )


def _is_gapless(index: NDArray[np.int64], start: int, end: int) -> bool:
    """Whether nothing is missing from the sample before a window to the one after it."""
    first, last = max(start - 1, 0), min(end, len(index) - 1)
    return int(index[last] - index[first]) == last - first


def _runs(high: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    edges = np.diff(high.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == 1).astype(np.int64), np.flatnonzero(edges == -1).astype(np.int64)


def _without_short_runs(
    index: NDArray[np.int64], high: NDArray[np.bool_], *, value: bool, shortest: int
) -> tuple[NDArray[np.bool_], int]:
    """`high` with inner runs of `value` below `shortest` samples turned over, and how many those were."""
    start, end = _runs(high if value else ~high)
    inner = (start > 0) & (end < len(high))
    start, end = start[inner], end[inner]
    # Lost samples belong to the run: a gate whose middle is lost is not a glitch.
    short = index[end] - index[start] < shortest
    out = high.copy()
    for first, last in zip(start[short], end[short], strict=True):
        out[first:last] = not value
    return out, int(np.count_nonzero(short))


def _require_contrast(samples: Samples, gates: Gates) -> None:
    if len(gates) < 2:
        raise DeviceError(
            f"only {len(gates)} gate without lost samples fits the schedule",
            hint="measure again; if it persists, the instrument loses samples",
        )
    inside = np.array([samples.current_a[a:b].mean() for a, b in zip(gates.start, gates.end, strict=True)])
    outside = np.array(
        [samples.current_a[b:a].mean() for a, b in zip(gates.start[1:], gates.end[:-1], strict=True) if a > b]
    )
    scatter = float(np.hypot(inside.std(), outside.std())) if len(outside) else np.inf
    if not len(outside) or float(inside.mean() - outside.mean()) <= _LEAST_CONTRAST * scatter:
        raise DeviceError(
            "the inferences cannot be found in the current: it is not higher in them than between them",
            hint="wire the gate pin to an instrument with digital inputs, or check what else takes current",
        )
