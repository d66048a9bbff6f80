"""Recording a run: the instrument must be emptied all the time, whatever else happens."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ppg_deploy.energy.instrument import Instrument, Samples
from ppg_deploy.errors import DeviceError

_READ_S = 0.05
_FIRST_SAMPLES_S = 3.0
_SILENCE_S = 3.0
_CLOCK_TOLERANCE = 0.02
"""USB and this machine's scheduling shift the ends of a run by milliseconds; a clock is off by far less."""
_CLOCK_SLACK_S = 0.2


@dataclass(frozen=True)
class Trace:
    """A recorded run.

    Attributes:
        samples: all of it.
        host_s: how long it took by this machine's clock.
        note: what does not fit; None when all is well.
    """

    samples: Samples
    host_s: float
    note: str | None


def record(instrument: Instrument, begin: Callable[[], None], seconds: float) -> Trace:
    """Start the instrument, call `begin` once samples flow, and record `seconds` from then on.

    `begin` has to come back within a few ten milliseconds or so: nobody reads meanwhile.

    Raises:
        DeviceError: no samples come, they stop coming, or the instrument reports an error. The instrument is stopped.
    """
    chunks: list[Samples] = []
    instrument.start()
    started = latest = time.monotonic()
    end: float | None = None
    try:
        while end is None or time.monotonic() < end:
            chunk = instrument.read(_READ_S)
            now = time.monotonic()
            if len(chunk):
                chunks.append(chunk)
                latest = now
                if end is None:
                    begin()
                    end = time.monotonic() + seconds
            elif now - latest > (_FIRST_SAMPLES_S if not chunks else _SILENCE_S):
                raise DeviceError(
                    f"no sample came from the instrument within {now - latest:.0f} s",
                    hint="unplug it and plug it in again, close other programs that use it",
                )
    except BaseException:
        _stop_quietly(instrument)
        raise
    chunks.append(instrument.stop())
    host_s = time.monotonic() - started
    samples = Samples.joined([chunk for chunk in chunks if len(chunk)], instrument.sample_hz)
    return Trace(samples, host_s, _clock_note(samples, host_s))


def _stop_quietly(instrument: Instrument) -> None:
    try:
        instrument.stop()
    except DeviceError:
        return  # the first error is the one to tell


def _clock_note(samples: Samples, host_s: float) -> str | None:
    covered_s = (int(samples.index[-1]) + 1) / samples.sample_hz if len(samples) else 0.0
    missing_s = host_s - covered_s
    if missing_s > _CLOCK_SLACK_S + _CLOCK_TOLERANCE * host_s:
        return (
            f"the samples cover {covered_s:.2f} s of {host_s:.2f} s by this machine's clock: "
            "more were lost than the instrument's own check can tell"
        )
    return None
