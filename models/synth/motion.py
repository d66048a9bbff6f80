"""How the arm moves, what the accelerometer measures of it, and what leaks into the PPG."""

from dataclasses import dataclass

import numpy as np

from models.synth.activity import TRAITS, Activity, Segment, segment_at, segment_starts
from models.synth.processes import FloatArray, drift, event_times, integrate, smooth_step
from models.synth.subject import SubjectSettings

# Multiples of the stride rate: the arm swings once a stride, the foot lands twice.
_HARMONICS = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
_STEP_AMPLITUDES_G = {
    Activity.WALK: np.array([0.25, 0.18, 0.06, 0.07, 0.03]),
    Activity.RUN: np.array([0.50, 0.80, 0.15, 0.30, 0.10]),
}
_CADENCE_RANGE_HZ = {Activity.WALK: (1.4, 2.2), Activity.RUN: (2.2, 3.2)}
_GESTURE_TONES = 4


@dataclass(frozen=True)
class Motion:
    """Movement of the wrist over a recording.

    Attributes:
        acceleration_g: (3, T) what an ideal accelerometer on the wrist measures, gravity included.
        artefact: (T,) optical effect of the movement, per unit of motion gain, in systolic heights.
        cadence_hz: (T,) steps a second, 0 where the wearer stands.
    """

    acceleration_g: FloatArray
    artefact: FloatArray
    cadence_hz: FloatArray


def unit_vectors(rng: np.random.Generator, count: int) -> FloatArray:
    """(count, 3) directions, uniform on the sphere."""
    directions = rng.standard_normal((count, 3))
    lengths: FloatArray = np.linalg.norm(directions, axis=1, keepdims=True)
    return directions / lengths


def step_cadence(
    rng: np.random.Generator,
    settings: SubjectSettings,
    schedule: tuple[Segment, ...],
    trend_bpm: FloatArray,
    time_s: FloatArray,
) -> FloatArray:
    """(T,) steps a second of walking and running segments, 0 in the others.

    In some segments the steps lock on to a rate within 6 % of the heart's (cardiolocomotor coupling): then
    the artefact and the pulse share a frequency, the case that makes wrist PPG hard.
    """
    index = segment_at(schedule, time_s)
    cadence = np.zeros(time_s.size)
    for number, segment in enumerate(schedule):
        entrained = rng.random() < settings.entrainment_probability
        detuning = rng.uniform(-0.06, 0.06)
        own_hz = {Activity.WALK: settings.walking_cadence_hz, Activity.RUN: settings.running_cadence_hz}
        if segment.activity not in own_hz:
            continue
        here = index == number
        wanted_hz = np.full(time_s.size, own_hz[segment.activity])
        if entrained:
            wanted_hz = trend_bpm / 60.0 * (1.0 + detuning)
        cadence[here] = np.clip(wanted_hz, *_CADENCE_RANGE_HZ[segment.activity])[here]
    wander = np.clip(drift(rng, time_s, 0.015, 10.0), -0.05, 0.05)
    return cadence * (1.0 + wander)


def steps(
    rng: np.random.Generator,
    schedule: tuple[Segment, ...],
    cadence_hz: FloatArray,
    time_s: FloatArray,
    sample_rate_hz: float,
) -> tuple[FloatArray, FloatArray]:
    """Acceleration (3, T) of walking and running in g and the (T,) artefact that goes with it.

    Both are sums over the same harmonics of the stride; gains and phases differ, and the artefact's wander.
    """
    stride_cycles = integrate(np.where(cadence_hz > 0.0, cadence_hz, 1.0) / 2.0, sample_rate_hz)
    index = segment_at(schedule, time_s)
    acceleration = np.zeros((3, time_s.size))
    artefact = np.zeros(time_s.size)
    for activity, amplitudes_g in _STEP_AMPLITUDES_G.items():
        moving = np.array([segment.activity is activity for segment in schedule])[index].astype(np.float64)
        # Nobody starts or stops running within one sample.
        half_second = np.ones(int(sample_rate_hz / 2)) * 2.0 / sample_rate_hz
        envelope = np.convolve(np.pad(moving, half_second.size, "edge"), half_second, "same")
        envelope = envelope[half_second.size : half_second.size + time_s.size]
        for harmonic, amplitude_g in zip(_HARMONICS, amplitudes_g, strict=True):
            axis_gain = amplitude_g * np.exp(rng.normal(0.0, 0.5, 3))
            axis_delay = rng.random(3)
            vigour = envelope * (1.0 + np.clip(drift(rng, time_s, 0.15, 4.0), -0.5, 0.5))
            angle = harmonic * stride_cycles
            acceleration += (
                axis_gain[:, None] * vigour * np.sin(2 * np.pi * (angle[None] + axis_delay[:, None]))
            )
            leak = amplitude_g * np.exp(rng.normal(0.0, 0.3)) * (1.0 + drift(rng, time_s, 0.3, 6.0))
            wandering_delay = rng.random() + drift(rng, time_s, 0.06, 12.0)
            artefact += vigour * leak * np.sin(2 * np.pi * (angle + wandering_delay))
    return acceleration, artefact


def gestures(
    rng: np.random.Generator, schedule: tuple[Segment, ...], time_s: FloatArray
) -> tuple[FloatArray, FloatArray, list[float]]:
    """Short movements without a rhythm: acceleration (3, T) in g, artefact (T,), and when they happened."""
    acceleration = np.zeros((3, time_s.size))
    artefact = np.zeros(time_s.size)
    happened_s: list[float] = []
    for segment, segment_start_s in zip(schedule, segment_starts(schedule)[:-1], strict=True):
        per_minute = TRAITS[segment.activity].gestures_per_minute
        for offset_s in event_times(rng, segment.duration_s, per_minute):
            start_s = float(segment_start_s + offset_s)
            length_s = rng.uniform(0.8, 3.0)
            progress = np.clip((time_s - start_s) / length_s, 0.0, 1.0)
            envelope = np.sin(np.pi * progress) ** 2
            tones_hz = rng.uniform(0.4, 4.0, _GESTURE_TONES)
            delays = rng.random((4, _GESTURE_TONES))
            strengths = rng.uniform(0.05, 0.35, (4, _GESTURE_TONES))
            tones = np.sin(2 * np.pi * (tones_hz[:, None] * time_s + delays[..., None]))
            mixed = envelope * np.sum(strengths[..., None] * tones, axis=1)
            acceleration += mixed[:3]
            artefact += mixed[3]
            happened_s.append(start_s + length_s / 2.0)
    return acceleration, artefact, happened_s


def gravity(rng: np.random.Generator, turns_s: list[float], time_s: FloatArray) -> FloatArray:
    """(3, T) gravity in the sensor's axes, length 1 g, with a new direction after each of `turns_s`."""
    directions = unit_vectors(rng, len(turns_s) + 1)
    path = np.repeat(directions[:1].T, time_s.size, axis=1)
    for at_s, old, new in zip(sorted(turns_s), directions[:-1], directions[1:], strict=True):
        path = path + (new - old)[:, None] * smooth_step(time_s, at_s, 0.25)
    lengths: FloatArray = np.linalg.norm(path, axis=0)
    return path / np.maximum(lengths, 1e-3)


def move(
    rng: np.random.Generator,
    settings: SubjectSettings,
    schedule: tuple[Segment, ...],
    trend_bpm: FloatArray,
    time_s: FloatArray,
    sample_rate_hz: float,
) -> Motion:
    """Draw the wrist's movement for one recording; steps may lock on to the heart rate `trend_bpm`."""
    cadence_hz = step_cadence(rng, settings, schedule, trend_bpm, time_s)
    step_acceleration, step_artefact = steps(rng, schedule, cadence_hz, time_s, sample_rate_hz)
    gesture_acceleration, gesture_artefact, gesture_times_s = gestures(rng, schedule, time_s)
    posture_changes_s = [float(start) for start in segment_starts(schedule)[1:-1]]
    down = gravity(rng, gesture_times_s + posture_changes_s, time_s)
    return Motion(
        acceleration_g=down + settings.arm_swing * (step_acceleration + gesture_acceleration),
        artefact=settings.arm_swing * (step_artefact + gesture_artefact),
        cadence_hz=cadence_hz,
    )
