"""Whether a device's clocks can be believed: its two counters against each other, both against the host's clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from ppg_deploy.report import schema
from ppg_deploy.wire import Client
from ppg_deploy.wire.table import MAX_RUNS_PER_REQUEST

COUNTER_TOLERANCE = 0.01
"""Both counters tick with the core clock; they are read one after the other."""
COUNTER_TOLERANCE_TICKS = 1000
HOST_TOLERANCE = 0.25
"""An internal oscillator is within some percent; what is looked for are wrong dividers, a factor of 2 and more."""
_HOST_JITTER_S = 0.005
"""Between two best-of-three times of a USB serial port."""
_WANTED_S = 0.5
_REPETITIONS = 3
_BITS_PER_TICKS = 4 * 10
"""On the line, for each run in the reply: 4 bytes of 10 bits."""
_WRAP = 1 << 32


@dataclass(frozen=True)
class HostTime:
    """The same additional inferences by the device's counter and by the host's clock, in seconds.

    `line_s` is what the longer reply may have taken on the line.
    """

    runs: int
    device_s: float
    host_s: float
    line_s: float

    @property
    def agrees(self) -> bool:
        """Whether the host's time lies where the device's says it must."""
        lowest = (1.0 - HOST_TOLERANCE) * self.device_s - _HOST_JITTER_S
        highest = (1.0 + HOST_TOLERANCE) * self.device_s + self.line_s + _HOST_JITTER_S
        return lowest <= self.host_s <= highest

    @property
    def tells_factor_two(self) -> bool:
        """Whether a clock that is wrong by a factor of 2 would have been noticed."""
        half = HostTime(self.runs, self.device_s, self.device_s / 2.0 + self.line_s, self.line_s)
        double = HostTime(self.runs, self.device_s, self.device_s * 2.0, self.line_s)
        return not half.agrees and not double.agrees


def time_by_host(client: Client, clock_hz: int, baud: int) -> HostTime | None:
    """Time inferences on the loaded input by both clocks.

    A short request is taken from a long one, so that what both have in common falls out; each is the best of three.
    None when a bad line repeated every request.

    Raises:
        DeviceError: the device does not answer.
    """
    once = client.timed_runs(1)
    runs = min(max(2, 1 + round(_WANTED_S / max(once.host_s, 1e-6))), MAX_RUNS_PER_REQUEST)
    short_s, long_s, ticks = [once.host_s], [], 0
    for _ in range(_REPETITIONS):
        short = client.timed_runs(1)
        long = client.timed_runs(runs)
        if not short.repeated:
            short_s.append(short.host_s)
        if not long.repeated:
            long_s.append(long.host_s)
        ticks = sum(long.ticks[1:])
    if not long_s:
        return None
    return HostTime(
        runs=runs - 1,
        device_s=ticks / clock_hz,
        host_s=min(long_s) - min(short_s),
        line_s=(runs - 1) * _BITS_PER_TICKS / baud,
    )


def check_clocks(
    counter: str, ticks: Sequence[int], timer_ticks: Sequence[int], host: HostTime | None
) -> schema.Clocks:
    """The verdict on the device's clocks.

    Args:
        counter: what counted `ticks`: dwt or systick.
        ticks: of each inference.
        timer_ticks: of the same inferences by SysTick; 0 when it stands still.
        host: comparison with the host's clock; None when there was none.
    """
    second = None if counter == "systick" else "systick"
    worst = None
    problem = None
    if min(ticks) == 0:
        problem = f"the device's cycle counter ({counter}) stands still"
    elif second is not None and min(timer_ticks) == 0:
        problem = f"the device's second counter ({second}) stands still, so nothing confirms the first"
    elif second is not None:
        worst = max(_difference(one, other) / one for one, other in zip(ticks, timer_ticks, strict=True))
        problem = _contradiction(counter, second, ticks, timer_ticks)
    return schema.Clocks(
        counter=counter,
        second=second,
        compared=len(ticks) if second is not None else 0,
        worst_difference_percent=None if worst is None else round(100.0 * worst, 4),
        counter_problem=problem,
        host_runs=0 if host is None else host.runs,
        host_ratio=_ratio(host),
        host_problem=None if host is None or problem is not None else _host_problem(host),
        note=_note(second, host),
    )


def _difference(one: int, other: int) -> int:
    apart = (one - other) % _WRAP
    return min(apart, _WRAP - apart)


def _contradiction(counter: str, second: str, ticks: Sequence[int], timer_ticks: Sequence[int]) -> str | None:
    for number, (one, other) in enumerate(zip(ticks, timer_ticks, strict=True)):
        if _difference(one, other) > max(COUNTER_TOLERANCE * one, COUNTER_TOLERANCE_TICKS):
            return (
                f"the device's two counters disagree: inference {number} took {one:,} ticks by {counter} and "
                f"{other:,} by {second}, more than {COUNTER_TOLERANCE:.0%} apart"
            )
    return None


def _ratio(host: HostTime | None) -> float | None:
    if host is None or host.device_s <= 0.0:
        return None
    return round(host.host_s / host.device_s, 3)


def _host_problem(host: HostTime) -> str | None:
    if host.agrees:
        return None
    return (
        f"{host.runs} inferences took {host.device_s:.3f} s by the device's clock and {host.host_s:.3f} s by the "
        f"host's, more than {HOST_TOLERANCE:.0%} apart: the core does not run at the frequency it reports"
    )


def _note(second: str | None, host: HostTime | None) -> str | None:
    notes = []
    if second is None:
        notes.append("the board has one counter only, nothing on it confirms the ticks")
    if host is not None and host.agrees and not host.tells_factor_two:
        notes.append("the inferences are too short for a comparison with the host's clock")
    return "; ".join(notes) or None
