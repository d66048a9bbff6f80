"""The traits that stay the same through one wearer's recording."""

from dataclasses import dataclass, fields

import numpy as np

from ppg_deploy.errors import InputError

LOWEST_HR_BPM = 45.0
HIGHEST_HR_BPM = 190.0


@dataclass(frozen=True)
class SubjectSettings:
    """One synthetic wearer and how the sensor sits on the wrist.

    Amplitudes called `fraction` are relative to the height of the systolic wave.

    Attributes:
        resting_hr_bpm: heart rate without any effort, at least 45.
        maximum_hr_bpm: heart rate at full effort, at most 190.
        pulse_amplitude_counts: height of the systolic wave in counts of the PPG converter.
        offset_counts: what remains of the DC level after the front end has removed most of it.
        systolic_width: standard deviation of the systolic wave at 60 BPM, in cycles.
        diastolic_width: same for the diastolic wave.
        diastolic_delay: from the systolic to the diastolic peak, in cycles.
        diastolic_ratio: height of the diastolic wave relative to the systolic one.
        respiration_rest_hz: breathing rate at rest.
        sinus_arrhythmia_fraction: amplitude of the heart rate's swing with breathing at 60 BPM.
        slow_variability_fraction: same for the swing near 0.1 Hz.
        beat_jitter_s: standard deviation of the independent shift of each beat at 60 BPM.
        breathing_baseline_fraction: amplitude of the baseline's swing with breathing.
        breathing_amplitude_fraction: depth of the pulse height's modulation by breathing.
        baseline_drift_fraction: standard deviation of the slow baseline drift.
        contact_changes_per_minute: how often the pressure of the sensor on the skin changes.
        noise_fraction: standard deviation of the white sensor noise.
        motion_gain: height of the artefact per g of acceleration; 0 keeps motion out of the PPG.
        arm_swing: factor on the acceleration of steps and gestures; 0 keeps the arm still.
        walking_cadence_hz: steps a second while walking.
        running_cadence_hz: steps a second while running.
        entrainment_probability: how often the steps of a segment fall close to the heart rate.

    Raises:
        InputError: a value is not finite, is negative where that makes no sense, or a rate is out of range.
    """

    resting_hr_bpm: float = 62.0
    maximum_hr_bpm: float = 182.0
    pulse_amplitude_counts: float = 500.0
    offset_counts: float = 0.0
    systolic_width: float = 0.085
    diastolic_width: float = 0.12
    diastolic_delay: float = 0.33
    diastolic_ratio: float = 0.4
    respiration_rest_hz: float = 0.25
    sinus_arrhythmia_fraction: float = 0.05
    slow_variability_fraction: float = 0.02
    beat_jitter_s: float = 0.006
    breathing_baseline_fraction: float = 0.15
    breathing_amplitude_fraction: float = 0.08
    baseline_drift_fraction: float = 0.15
    contact_changes_per_minute: float = 1.0
    noise_fraction: float = 0.05
    motion_gain: float = 0.7
    arm_swing: float = 1.0
    walking_cadence_hz: float = 1.85
    running_cadence_hz: float = 2.7
    entrainment_probability: float = 0.25

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not np.isfinite(value) or (value < 0.0 and field.name != "offset_counts"):
                raise InputError(
                    f"SubjectSettings.{field.name} is {value}",
                    hint="every setting is finite, and only offset_counts may be negative",
                )
        if not LOWEST_HR_BPM <= self.resting_hr_bpm < self.maximum_hr_bpm <= HIGHEST_HR_BPM:
            raise InputError(
                f"SubjectSettings: resting_hr_bpm {self.resting_hr_bpm}, "
                f"maximum_hr_bpm {self.maximum_hr_bpm}",
                hint=f"keep {LOWEST_HR_BPM} <= resting < maximum <= {HIGHEST_HR_BPM}",
            )


def draw_subject(rng: np.random.Generator) -> SubjectSettings:
    """A wearer drawn from the population described in docs/synthetic-data.md."""
    return SubjectSettings(
        resting_hr_bpm=float(rng.uniform(48.0, 80.0)),
        maximum_hr_bpm=float(rng.uniform(165.0, 190.0)),
        pulse_amplitude_counts=float(500.0 * np.exp(rng.uniform(-0.5, 0.5))),
        offset_counts=float(rng.normal(0.0, 60.0)),
        systolic_width=float(rng.uniform(0.07, 0.10)),
        diastolic_width=float(rng.uniform(0.10, 0.14)),
        diastolic_delay=float(rng.uniform(0.28, 0.38)),
        diastolic_ratio=float(rng.uniform(0.15, 0.60)),
        respiration_rest_hz=float(rng.uniform(0.18, 0.32)),
        sinus_arrhythmia_fraction=float(rng.uniform(0.01, 0.08)),
        slow_variability_fraction=float(rng.uniform(0.005, 0.03)),
        beat_jitter_s=float(rng.uniform(0.002, 0.010)),
        breathing_baseline_fraction=float(rng.uniform(0.05, 0.25)),
        breathing_amplitude_fraction=float(rng.uniform(0.02, 0.15)),
        baseline_drift_fraction=float(rng.uniform(0.05, 0.25)),
        contact_changes_per_minute=float(rng.uniform(0.3, 1.5)),
        noise_fraction=float(np.exp(rng.uniform(np.log(0.02), np.log(0.15)))),
        motion_gain=float(np.exp(rng.uniform(np.log(0.3), np.log(1.2)))),
        arm_swing=float(rng.uniform(0.6, 1.4)),
        walking_cadence_hz=float(rng.uniform(1.6, 2.1)),
        running_cadence_hz=float(rng.uniform(2.4, 3.0)),
        entrainment_probability=0.25,
    )
