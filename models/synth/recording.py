"""One continuous recording of a synthetic wearer, and the windows cut from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.synth.activity import Segment, draw_schedule, segment_starts
from models.synth.heart import beats
from models.synth.motion import move
from models.synth.processes import random_streams
from models.synth.pulse_wave import pulse_signal
from models.synth.subject import SubjectSettings, draw_subject
from ppg_deploy.errors import InputError

CHANNELS = ("PPG", "ACC_X", "ACC_Y", "ACC_Z")
SAMPLE_RATE_HZ = 32
WINDOW_SAMPLES = 8 * SAMPLE_RATE_HZ
STRIDE_SAMPLES = 2 * SAMPLE_RATE_HZ

_PPG_LIMIT_COUNTS = 2047.0
_ACCELEROMETER_STEPS_PER_G = 256.0
_ACCELEROMETER_LIMIT_G = 8.0
_ACCELEROMETER_NOISE_G = 0.008


@dataclass(frozen=True)
class Recording:
    """A synthetic recording at 32 Hz.

    Attributes:
        signal: (4, T) float32; PPG in whole counts of a signed 12-bit converter, then the three axes of the
            accelerometer in g, in steps of 1/256 g.
        hr_bpm: (T,) float32 instantaneous heart rate: beats a minute between a sample and the next.
        cadence_hz: (T,) float32 steps a second.
        settings: the wearer.
        schedule: what the wearer did.
    """

    signal: NDArray[np.float32]
    hr_bpm: NDArray[np.float32]
    cadence_hz: NDArray[np.float32]
    settings: SubjectSettings
    schedule: tuple[Segment, ...]


def generate_recording(
    seed: int,
    duration_s: float,
    *,
    settings: SubjectSettings | None = None,
    schedule: tuple[Segment, ...] | None = None,
) -> Recording:
    """Generate one recording; the same arguments give the same bytes.

    Args:
        seed: not negative; decides everything that is not given.
        duration_s: at least 8 (one window); rounded down to whole samples.
        settings: the wearer; drawn from the seed when None.
        schedule: what the wearer does, at least `duration_s` long; drawn from the seed when None.

    Raises:
        InputError: seed, duration or schedule cannot be used.
    """
    if seed < 0:
        raise InputError(f"seed is {seed}, it must not be negative", hint="use a seed of 0 or more")
    samples = int(duration_s * SAMPLE_RATE_HZ) if np.isfinite(duration_s) else 0
    if samples < WINDOW_SAMPLES:
        raise InputError(
            f"duration_s is {duration_s}, shorter than one window", hint="ask for at least 8 seconds"
        )
    subject_rng, schedule_rng, heart_rng, pulse_rng, motion_rng, noise_rng = random_streams(seed, 6)
    settings = draw_subject(subject_rng) if settings is None else settings
    schedule = draw_schedule(schedule_rng, duration_s) if schedule is None else schedule
    if segment_starts(schedule)[-1] < duration_s:
        raise InputError(
            f"schedule covers {segment_starts(schedule)[-1]} s of {duration_s} s",
            hint="add segments or ask for a shorter recording",
        )

    # One sample more than asked for: the heart rate is a difference between neighbours.
    time_s = np.arange(samples + 1) / SAMPLE_RATE_HZ
    heart = beats(heart_rng, settings, schedule, time_s, SAMPLE_RATE_HZ)
    motion = move(motion_rng, settings, schedule, heart.trend_bpm, time_s, SAMPLE_RATE_HZ)
    ppg = pulse_signal(pulse_rng, settings, heart, time_s)
    ppg += settings.pulse_amplitude_counts * settings.motion_gain * motion.artefact
    ppg += settings.pulse_amplitude_counts * settings.noise_fraction * noise_rng.standard_normal(time_s.size)
    acceleration_g = motion.acceleration_g + _ACCELEROMETER_NOISE_G * noise_rng.standard_normal(
        (3, time_s.size)
    )
    acceleration_g = np.rint(acceleration_g * _ACCELEROMETER_STEPS_PER_G) / _ACCELEROMETER_STEPS_PER_G

    signal = np.empty((len(CHANNELS), samples), np.float32)
    signal[0] = np.clip(np.rint(ppg), -_PPG_LIMIT_COUNTS, _PPG_LIMIT_COUNTS)[:samples]
    signal[1:] = np.clip(acceleration_g, -_ACCELEROMETER_LIMIT_G, _ACCELEROMETER_LIMIT_G)[:, :samples]
    return Recording(
        signal=signal,
        hr_bpm=(np.diff(heart.phase_cycles) * SAMPLE_RATE_HZ * 60.0).astype(np.float32),
        cadence_hz=motion.cadence_hz[:samples].astype(np.float32),
        settings=settings,
        schedule=schedule,
    )


def windows(
    recording: Recording,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Cut a recording into windows of 8 s, one every 2 s.

    Returns:
        x (K, 1, 4, 256) float32 in sensor units; hr (K,) float32 in BPM, the mean instantaneous heart rate
        over the window; start_s (K,) float32. K = (T - 256) // 64 + 1.
    """
    starts = np.arange(0, recording.signal.shape[1] - WINDOW_SAMPLES + 1, STRIDE_SAMPLES)
    x = np.stack([recording.signal[None, :, start : start + WINDOW_SAMPLES] for start in starts])
    hr = np.array(
        [recording.hr_bpm[start : start + WINDOW_SAMPLES].mean(dtype=np.float64) for start in starts],
        np.float32,
    )
    return x, hr, (starts / SAMPLE_RATE_HZ).astype(np.float32)
