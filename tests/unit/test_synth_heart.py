"""The labels of the generator, checked against what scipy finds in the signal itself."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal, special

from models.synth import Activity, Segment, SubjectSettings, generate_recording, windows
from models.synth.processes import drift, random_streams
from models.synth.pulse_wave import periodic_bump
from ppg_deploy.errors import InputError

QUIET_SENSOR = SubjectSettings(
    arm_swing=0.0,
    motion_gain=0.0,
    noise_fraction=0.0,
    baseline_drift_fraction=0.0,
    breathing_baseline_fraction=0.0,
    contact_changes_per_minute=0.0,
)


def rate_from_systolic_peaks(ppg: NDArray[np.float64]) -> float:
    """BPM from the first to the last systolic peak of one window."""
    peaks, _ = signal.find_peaks(ppg, prominence=0.5 * np.ptp(ppg), distance=8)
    fine = []
    for peak in peaks:
        left, middle, right = ppg[peak - 1 : peak + 2]
        fine.append(peak + 0.5 * (left - right) / (left - 2 * middle + right))
    return float(60.0 * 32.0 * (len(fine) - 1) / (fine[-1] - fine[0]))


@pytest.mark.parametrize(
    ("activity", "seed"), [(Activity.REST, 1), (Activity.WALK, 2), (Activity.RUN, 3), (Activity.RECOVERY, 4)]
)
def test_label_is_the_rate_of_the_peaks_in_the_clean_signal(activity: Activity, seed: int) -> None:
    recording = generate_recording(seed, 90.0, settings=QUIET_SENSOR, schedule=(Segment(activity, 90.0),))
    x, hr, _ = windows(recording)
    found = np.array([rate_from_systolic_peaks(window[0, 0].astype(np.float64)) for window in x])
    # Peak to peak leaves out up to one beat at either end of the window, where the rate may differ.
    assert np.abs(found - hr).max() < 4.0
    assert np.abs(found - hr).mean() < 1.0


@pytest.mark.parametrize("seed", range(5))
def test_label_is_the_spectral_peak_of_a_steady_heart(seed: int) -> None:
    steady = dataclasses.replace(QUIET_SENSOR, sinus_arrhythmia_fraction=0.0, slow_variability_fraction=0.0)
    recording = generate_recording(seed, 60.0, settings=steady, schedule=(Segment(Activity.RUN, 60.0),))
    x, hr, _ = windows(recording)
    frequencies, power = signal.periodogram(x[:, 0, 0], 32.0, "hann", nfft=8192)
    found = 60.0 * frequencies[power.argmax(axis=1)]
    assert np.abs(found - hr).max() < 2.0


def test_heart_rates_cover_the_range_and_stay_inside_it() -> None:
    labels = np.concatenate([windows(generate_recording(seed, 150.0))[1] for seed in range(60)])
    assert labels.min() >= 45.0
    assert labels.max() <= 190.0
    assert labels.min() < 60.0
    assert labels.max() > 170.0


def test_effort_raises_the_heart_rate_and_recovery_lowers_it() -> None:
    schedule = (
        Segment(Activity.REST, 60.0),
        Segment(Activity.RUN, 120.0),
        Segment(Activity.RECOVERY, 120.0),
    )
    hr = generate_recording(5, 300.0, schedule=schedule).hr_bpm
    resting, running, recovering = hr[: 60 * 32].mean(), hr[160 * 32 : 180 * 32].mean(), hr[-20 * 32 :].mean()
    assert running > resting + 30.0
    assert recovering < running - 15.0


def test_breathing_shows_in_the_beat_to_beat_rate() -> None:
    settings = dataclasses.replace(
        QUIET_SENSOR,
        sinus_arrhythmia_fraction=0.08,
        slow_variability_fraction=0.0,
        beat_jitter_s=0.0,
        respiration_rest_hz=0.25,
    )
    recording = generate_recording(6, 200.0, settings=settings, schedule=(Segment(Activity.REST, 200.0),))
    rate = signal.detrend(recording.hr_bpm.astype(np.float64))
    frequencies, power = signal.welch(rate, 32.0, nperseg=2048)
    breathing_band = (frequencies > 0.12) & (frequencies < 0.6)
    assert 0.2 < frequencies[breathing_band][power[breathing_band].argmax()] < 0.4


@pytest.mark.parametrize("width", [0.05, 0.1, 0.16])
def test_bump_is_a_periodic_gaussian_of_mean_zero(width: float) -> None:
    phase = np.arange(1000) / 1000.0
    bump = periodic_bump(phase, 0.3, np.full(1000, width))
    assert abs(bump.mean()) < 1e-9
    # Height 1 above a floor whose depth is the mean of the von Mises shape (scipy's scaled Bessel function).
    sharpness = 1.0 / (2 * np.pi * width) ** 2
    assert bump.max() == pytest.approx(1.0 - special.i0e(sharpness), abs=1e-6)
    assert phase[bump.argmax()] == pytest.approx(0.3)
    np.testing.assert_allclose(periodic_bump(phase + 7.0, 0.3, np.full(1000, width)), bump, atol=1e-9)
    if width <= 0.05:
        gaussian = np.exp(-0.5 * ((phase - 0.3) / width) ** 2)
        np.testing.assert_allclose(bump - bump.min(), gaussian, atol=0.03)


def test_drift_has_the_stated_spread_and_memory() -> None:
    (rng,) = random_streams(11, 1)
    values = drift(rng, np.arange(40_000.0), standard_deviation=2.0, time_constant_s=10.0)
    assert values.std() == pytest.approx(2.0, rel=0.1)
    lagged = np.corrcoef(values[:-10], values[10:])[0, 1]
    assert lagged == pytest.approx(np.exp(-1.0), abs=0.06)


@pytest.mark.parametrize(
    "change",
    [
        {"resting_hr_bpm": 44.0},
        {"maximum_hr_bpm": 191.0},
        {"resting_hr_bpm": 150.0, "maximum_hr_bpm": 140.0},
        {"noise_fraction": -0.1},
        {"motion_gain": float("nan")},
    ],
)
def test_impossible_wearers_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        SubjectSettings(**change)
