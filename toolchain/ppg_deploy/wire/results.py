"""What the client hands on of inferences."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunResult:
    """One inference on the board.

    `status` is 0 or the runtime's own error code; `output` holds the bytes of the codes, none when `status` is not 0;
    `ticks` is in units of the board's counter, modulo 2^32; `timer_ticks` is the same stretch by its second counter, 0
    when that stands still.
    """

    status: int
    ticks: int
    timer_ticks: int
    output: bytes


@dataclass(frozen=True)
class PushResult(RunResult):
    """One push; while `filling` there is no output, because the first window is not complete."""

    filling: bool


@dataclass(frozen=True)
class TimedRuns:
    """Inferences in one request: ticks of each, and the time from request to reply by the host's clock.

    `repeated` says that a frame was lost meanwhile, so that the time means nothing.
    """

    ticks: tuple[int, ...]
    host_s: float
    repeated: bool
