"""When the heart beats: the slow course of the heart rate, breathing, and the variation from beat to beat."""

from dataclasses import dataclass

import numpy as np

from models.synth.activity import TRAITS, Segment, segment_at
from models.synth.processes import FloatArray, drift, integrate
from models.synth.subject import HIGHEST_HR_BPM, LOWEST_HR_BPM, SubjectSettings

# The margins leave room for the beat jitter, so that no window's mean leaves the range.
_LOWEST_RATE_BPM = LOWEST_HR_BPM + 0.5
_HIGHEST_RATE_BPM = HIGHEST_HR_BPM - 0.5
_RISE_TIME_CONSTANT_S = 40.0
_FALL_TIME_CONSTANT_S = 60.0
_SLOW_WAVE_HZ = 0.1
_VARIABILITY_DECAY_BPM = 45.0
_BREATHING_RISE_HZ = 0.35


@dataclass(frozen=True)
class HeartBeats:
    """Heart and breathing over a recording, at the times it was asked for.

    Attributes:
        phase_cycles: (T,) number of beats since some beat before the start; whole numbers are beat onsets.
        trend_bpm: (T,) heart rate without its variability.
        breathing_phase_cycles: (T,) number of breaths.
    """

    phase_cycles: FloatArray
    trend_bpm: FloatArray
    breathing_phase_cycles: FloatArray


def heart_rate_trend(
    rng: np.random.Generator, settings: SubjectSettings, schedule: tuple[Segment, ...], time_s: FloatArray
) -> FloatArray:
    """(T,) heart rate in BPM that follows the effort with a first-order lag, plus a slow random drift.

    One time constant for the rise and one for the fall is the simplest description in use: see
    docs/synthetic-data.md for sources.
    """
    reserve = settings.maximum_hr_bpm - settings.resting_hr_bpm
    targets = np.array(
        [
            settings.resting_hr_bpm + reserve * rng.uniform(*TRAITS[segment.activity].effort)
            for segment in schedule
        ]
    )
    knots_s = np.arange(np.floor(time_s[0]), np.ceil(time_s[-1]) + 1.0)
    wanted = targets[segment_at(schedule, knots_s)]
    followed = np.empty(knots_s.size)
    followed[0] = wanted[0]
    for index in range(1, knots_s.size):
        gap = wanted[index] - followed[index - 1]
        time_constant_s = _RISE_TIME_CONSTANT_S if gap > 0.0 else _FALL_TIME_CONSTANT_S
        followed[index] = followed[index - 1] + gap * (1.0 - np.exp(-1.0 / time_constant_s))
    trend = np.interp(time_s, knots_s, followed) + drift(rng, time_s, 2.5, 15.0)
    return np.clip(trend, _LOWEST_RATE_BPM, _HIGHEST_RATE_BPM)


def beats(
    rng: np.random.Generator,
    settings: SubjectSettings,
    schedule: tuple[Segment, ...],
    time_s: FloatArray,
    sample_rate_hz: float,
) -> HeartBeats:
    """Draw the beats of one recording.

    Breathing and the 0.1 Hz wave modulate the rate as in the ECG model of McSharry et al. (2003); both fade
    as the rate rises. Each beat onset is then shifted by an independent draw, and the phase runs evenly
    between onsets.

    Args:
        rng: source of the draws.
        settings: the wearer.
        schedule: what the wearer does.
        time_s: (T,) evenly spaced times, `sample_rate_hz` a second.
        sample_rate_hz: of `time_s`.

    Returns:
        `HeartBeats` at `time_s`.
    """
    # The first and last beat are lost to interpolation, so the heart runs longer than the recording.
    margin = int(4 * sample_rate_hz)
    padded_s = time_s[0] + (np.arange(-margin, time_s.size + margin)) / sample_rate_hz
    trend = heart_rate_trend(rng, settings, schedule, padded_s)

    reserve = settings.maximum_hr_bpm - settings.resting_hr_bpm
    effort = np.clip((trend - settings.resting_hr_bpm) / reserve, 0.0, 1.0)
    breathing_hz = (settings.respiration_rest_hz + _BREATHING_RISE_HZ * effort) * (
        1.0 + np.clip(drift(rng, padded_s, 0.08, 10.0), -0.3, 0.3)
    )
    breathing = rng.random() + integrate(breathing_hz, sample_rate_hz)
    slow_wave = rng.random() + integrate(
        _SLOW_WAVE_HZ * (1.0 + np.clip(drift(rng, padded_s, 0.1, 20.0), -0.3, 0.3)), sample_rate_hz
    )

    fading = np.exp(-np.maximum(trend - 60.0, 0.0) / _VARIABILITY_DECAY_BPM)
    modulation = settings.sinus_arrhythmia_fraction * np.sin(2 * np.pi * breathing)
    modulation += settings.slow_variability_fraction * np.sin(2 * np.pi * slow_wave)
    rate_bpm = np.clip(trend * (1.0 + fading * modulation), _LOWEST_RATE_BPM, _HIGHEST_RATE_BPM)

    even_phase = rng.random() + integrate(rate_bpm / 60.0, sample_rate_hz)
    onset_numbers = np.arange(1.0, np.floor(even_phase[-1]) + 1.0)
    onset_s = np.interp(onset_numbers, even_phase, padded_s)
    shifts = np.clip(rng.standard_normal(onset_s.size), -2.5, 2.5) * settings.beat_jitter_s
    onset_s = onset_s + shifts * np.interp(onset_s, padded_s, fading)
    inside = slice(margin, margin + time_s.size)
    return HeartBeats(
        phase_cycles=np.interp(time_s, onset_s, onset_numbers),
        trend_bpm=trend[inside],
        breathing_phase_cycles=breathing[inside],
    )
