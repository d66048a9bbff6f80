"""What the sensor sees of the heart: pulse shape, breathing, contact pressure, baseline."""

import numpy as np

from models.synth.heart import HeartBeats
from models.synth.processes import FloatArray, drift, event_times, smooth_step
from models.synth.subject import SubjectSettings

_SYSTOLIC_PEAK_CYCLES = 0.2
_WIDEST_WAVE_CYCLES = 0.16
_FRONT_END_TIME_CONSTANT_S = 2.5


def periodic_bump(phase_cycles: FloatArray, centre_cycles: float, width_cycles: FloatArray) -> FloatArray:
    """(T,) bump of height 1 around `centre_cycles`, repeated every cycle, less its mean over the cycle.

    exp((cos x - 1) / w^2) is the periodic counterpart of a Gaussian of standard deviation w, both in
    radians; its mean is exp(-1/w^2) I0(1/w^2), with I0 the modified Bessel function.
    """
    sharpness = 1.0 / (2 * np.pi * width_cycles) ** 2
    bump = np.exp(sharpness * (np.cos(2 * np.pi * (phase_cycles - centre_cycles)) - 1.0))
    return np.asarray(bump - np.exp(-sharpness) * np.i0(sharpness))


def pulse_train(settings: SubjectSettings, heart: HeartBeats) -> FloatArray:
    """(T,) systolic plus diastolic wave of every beat, systolic height 1, mean 0.

    Two Gaussian functions of the beat phase as in Tang et al. (2020), doi 10.1038/s41598-020-69076-x. Both waves
    take a larger part of the cycle as beats get shorter, by the square root of the rate.
    """
    stretch = np.sqrt(heart.trend_bpm / 60.0)
    systolic = periodic_bump(
        heart.phase_cycles,
        _SYSTOLIC_PEAK_CYCLES,
        np.minimum(settings.systolic_width * stretch, _WIDEST_WAVE_CYCLES),
    )
    diastolic = periodic_bump(
        heart.phase_cycles,
        _SYSTOLIC_PEAK_CYCLES + settings.diastolic_delay,
        np.minimum(settings.diastolic_width * stretch, _WIDEST_WAVE_CYCLES),
    )
    return systolic + settings.diastolic_ratio * diastolic


def contact_pressure(
    rng: np.random.Generator, settings: SubjectSettings, time_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """How changing contact pressure scales the pulse and upsets the baseline.

    Returns:
        (T,) factor on the pulse height, and (T,) baseline transient in systolic heights, which decays because
        the front end removes the DC level.
    """
    factor = np.full(time_s.size, rng.uniform(0.8, 1.2))
    transient = np.zeros(time_s.size)
    for at_s in event_times(rng, float(time_s[-1]), settings.contact_changes_per_minute):
        rise = smooth_step(time_s, at_s, 0.15)
        factor += (rng.uniform(0.6, 1.4) - factor[-1]) * rise
        decay = np.exp(-np.maximum(time_s - at_s, 0.0) / _FRONT_END_TIME_CONSTANT_S)
        transient += float(np.clip(rng.normal(0.0, 0.6), -1.2, 1.2)) * rise * decay
    return factor, transient


def pulse_signal(
    rng: np.random.Generator, settings: SubjectSettings, heart: HeartBeats, time_s: FloatArray
) -> FloatArray:
    """(T,) PPG without motion and sensor noise, in counts."""
    factor, transient = contact_pressure(rng, settings, time_s)
    breath_delay_cycles = rng.uniform(0.0, 1.0, 2)
    breathing = np.sin(2 * np.pi * (heart.breathing_phase_cycles[None] + breath_delay_cycles[:, None]))
    height = factor * (1.0 + settings.breathing_amplitude_fraction * breathing[0])
    height = height * (1.0 + np.clip(drift(rng, time_s, 0.06, 12.0), -0.2, 0.2))
    baseline = transient + settings.breathing_baseline_fraction * breathing[1]
    baseline = baseline + drift(rng, time_s, settings.baseline_drift_fraction, 5.0)
    waves = height * pulse_train(settings, heart) + baseline
    counts: FloatArray = settings.offset_counts + settings.pulse_amplitude_counts * waves
    return counts
