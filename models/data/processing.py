"""From the published streams to four channels at one rate: the one implementation for all sources.

Order of steps: resample every channel, merge the PPG channels, then, on request, band-pass. The description that the
recordings of ../shared follow is shared/data/README.md; tests compare with the students' preprocessing.
"""

from dataclasses import dataclass
from enum import Enum
from math import gcd

import numpy as np
from numpy.typing import NDArray

from models.data.recording import RawRecording, Recording, window_count
from ppg_deploy.errors import InputError

Floats = NDArray[np.float64]

BAND_HZ = (0.5, 4.0)
_BAND_ORDER = 2
# scipy's default filter of resample_poly reaches 10 input samples a side at the slower of the two rates.
_FILTER_REACH = 10


class Resampling(Enum):
    """How a stream gets to another rate."""

    POLYPHASE = "polyphase"
    EVERY_NTH = "every-nth"


@dataclass(frozen=True)
class Processing:
    """What is done to every recording.

    Attributes:
        rate_hz: samples a second that models take: 25 or 32.
        resampling: POLYPHASE low-passes with a zero-phase Kaiser filter before it drops samples; EVERY_NTH only
            drops samples, as the PULSE authors do with DaLiA's 64 Hz, and needs a rate that divides the published.
        band_hz: edges of the causal band-pass over all four channels, or None for the signal as published.

    Raises:
        InputError: a rate or band that cannot be used.
    """

    rate_hz: int = 32
    resampling: Resampling = Resampling.POLYPHASE
    band_hz: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.rate_hz not in (25, 32):
            raise InputError(f"rate is {self.rate_hz} Hz", hint="use 25 or 32: the students take no other")
        if self.band_hz is not None and not 0.0 < self.band_hz[0] < self.band_hz[1] < self.rate_hz / 2:
            raise InputError(
                f"band-pass from {self.band_hz[0]} to {self.band_hz[1]} Hz at {self.rate_hz} Hz",
                hint="give 0 < lower < upper < half the rate",
            )


def resample(signal: Floats, rate_hz: int, target_hz: int, how: Resampling = Resampling.POLYPHASE) -> Floats:
    """Bring (C, T) from one rate to another; ceil(T target / rate) samples come back.

    The first sample is subtracted before and added afterwards, and the edges are extended with the edge value.
    Otherwise a DC level rings at the ends and leaves a ripple of up to 1e-3 of the level: the branches of scipy's
    polyphase filter do not have exactly the same gain.

    Raises:
        InputError: EVERY_NTH with a rate that is no multiple of the target.
    """
    if rate_hz == target_hz:
        return signal
    if how is Resampling.EVERY_NTH:
        if rate_hz % target_hz:
            raise InputError(
                f"{rate_hz} Hz cannot become {target_hz} Hz by dropping samples", hint="resample polyphase"
            )
        return signal[:, :: rate_hz // target_hz]
    from scipy.signal import resample_poly

    common = gcd(rate_hz, target_hz)
    up, down = target_hz // common, rate_hz // common
    reach = _FILTER_REACH * max(up, down) // up + 1
    padding = down * -(-reach // down)
    length = -(-signal.shape[1] * up // down)
    level = signal[:, :1]
    padded = np.pad(signal - level, ((0, 0), (padding, padding)), "edge")
    start = padding * up // down
    return np.asarray(resample_poly(padded, up, down, axis=1)[:, start : start + length] + level, np.float64)


def band_pass(signal: Floats, rate_hz: int, band_hz: tuple[float, float] = BAND_HZ) -> Floats:
    """Causal Butterworth band-pass of second order over (C, T), from rest after subtracting the first sample."""
    from scipy.signal import butter, sosfilt

    sections = butter(_BAND_ORDER, band_hz, "bandpass", fs=rate_hz, output="sos")
    return np.asarray(sosfilt(sections, signal - signal[:, :1], axis=1), np.float64)


def merge_ppg(channels: Floats, rate_hz: int, name: str) -> Floats:
    """One PPG channel (1, T) from (C, T), in the same unit.

    The mean of the channels, each scaled so that all have the same standard deviation in the pulse band (0.5 to
    4 Hz over the whole recording) and their common level is kept.

    Raises:
        InputError: a channel is constant.
    """
    if channels.shape[0] == 1:
        return channels
    spread = band_pass(channels, rate_hz).std(axis=1)
    if spread.min() <= 0.0:
        raise InputError(
            f"{name}: PPG channel {int(spread.argmin()) + 1} is constant", hint="the file is damaged"
        )
    return np.asarray((channels * (spread.mean() / spread)[:, None]).mean(axis=0, keepdims=True))


def process(raw: RawRecording, processing: Processing) -> Recording:
    """Resample, merge and, on request, band-pass one recording.

    Raises:
        InputError: the rates do not fit the kind of resampling, or a PPG channel is constant.
    """
    rate = processing.rate_hz
    ppg = merge_ppg(resample(raw.ppg, raw.ppg_rate_hz, rate, processing.resampling), rate, raw.name)
    acceleration = resample(raw.acceleration, raw.acceleration_rate_hz, rate, processing.resampling)
    samples = min(ppg.shape[1], acceleration.shape[1])
    signal = np.concatenate([ppg[:, :samples], acceleration[:, :samples]])
    steps = [
        f"{stream} {published} Hz to {rate} Hz, {processing.resampling.value}"
        for stream, published in (("PPG", raw.ppg_rate_hz), ("acceleration", raw.acceleration_rate_hz))
        if published != rate
    ]
    if raw.ppg.shape[0] > 1:
        steps.append(f"{raw.ppg.shape[0]} PPG channels merged")
    if processing.band_hz is not None:
        signal = band_pass(signal, rate, processing.band_hz)
        steps.append(f"causal band-pass {processing.band_hz[0]} to {processing.band_hz[1]} Hz")
    return Recording(
        dataset=raw.dataset,
        subject=raw.subject,
        name=raw.name,
        signal=signal.astype(np.float32),
        rate_hz=rate,
        hr=raw.hr[: window_count(samples / rate)],
        units=raw.units,
        hr_origin=raw.hr_origin,
        steps=tuple(steps),
    )
