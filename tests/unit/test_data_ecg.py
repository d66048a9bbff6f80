"""R peaks and heart rates from ECGs whose beats are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.ecg import heart_rates, r_peaks, window_heart_rates
from ppg_deploy.errors import InputError
from tests.support.published_data import beat_times, ecg_signal


@pytest.mark.parametrize("rate_hz", [128, 130, 700])
@pytest.mark.parametrize("bpm", [45.0, 75.0, 120.0, 185.0])
@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_every_beat_is_found_once_and_to_a_few_milliseconds(
    rate_hz: int, bpm: float, polarity: float
) -> None:
    beats = beat_times(bpm, 30.0)
    found = r_peaks(polarity * ecg_signal(beats, 30.0, rate_hz), rate_hz)
    inside = beats[(beats > 0.2) & (beats < 29.8)]
    found = found[(found > inside[0] - 0.1) & (found < inside[-1] + 0.1)]
    assert found.size == inside.size
    np.testing.assert_allclose(found, inside, atol=0.006)


def test_the_heart_rate_counts_beats_with_fractions() -> None:
    """Beats each 0.75 s (80 BPM) up to 8 s, then each 0.5 s (120 BPM): by hand."""
    beats = np.concatenate([np.arange(-0.75, 8.0, 0.75), np.arange(8.25, 21.0, 0.5)])
    hr = window_heart_rates(beats, 7)
    assert hr[0] == pytest.approx(80.0)
    # [2, 10): 6.25 s at 80 BPM and 1.75 s at 120 BPM.
    assert hr[1] == pytest.approx((6.25 * 80.0 + 1.75 * 120.0) / 8.0)
    assert hr[6] == pytest.approx(120.0)


def test_windows_with_a_missed_or_invented_beat_have_no_reference() -> None:
    beats = np.arange(-1.0, 42.0, 0.8)
    missed, missing_s = np.delete(beats, 26), (19.0, 20.6)
    invented, extra_s = np.sort(np.append(beats, 20.0)), (19.8, 20.0)
    for damaged, (first_s, last_s) in ((missed, missing_s), (invented, extra_s)):
        hr = window_heart_rates(damaged, 17)
        starts = 2.0 * np.arange(17)
        touched = (starts < last_s) & (starts + 8.0 > first_s)
        assert np.isnan(hr[touched]).all()
        assert touched.sum() >= 4
        away = (starts > 20.6) | (starts + 8.0 < 19.0)
        np.testing.assert_allclose(hr[away], 75.0, atol=1e-4)


def test_windows_beyond_the_first_and_last_beat_have_no_reference() -> None:
    hr = window_heart_rates(np.arange(1.0, 21.0, 0.8), 8)
    np.testing.assert_array_equal(np.isnan(hr), [True, False, False, False, False, False, False, True])
    assert np.isnan(window_heart_rates(np.empty(0), 3)).all()


def test_noise_and_loose_electrodes_give_no_heart_rate() -> None:
    rng = np.random.default_rng(5)
    ecg = ecg_signal(beat_times(70.0, 120.0), 120.0, 128)
    ecg[40 * 128 : 80 * 128] = rng.standard_normal(40 * 128)
    hr = heart_rates(ecg, 128, 57)
    starts = 2.0 * np.arange(57)
    loose = (starts > 34.0) & (starts < 78.0)
    assert np.isnan(hr[loose]).mean() > 0.9
    away = (starts > 2.0) & ((starts < 26.0) | ((starts > 86.0) & (starts < 110.0)))
    np.testing.assert_allclose(hr[away], 70.0, atol=0.5)


@settings(max_examples=20, deadline=None)
@given(first=st.floats(50.0, 90.0), last=st.floats(90.0, 170.0), seed=st.integers(0, 1000))
def test_a_changing_heart_rate_is_followed(first: float, last: float, seed: int) -> None:
    """The phase of a linear heart rate is known in closed form, and with it every window's mean."""
    seconds = 60.0
    slope = (last - first) / seconds
    time_s = np.arange(-3.0, seconds + 3.0, 1e-3)
    phase = (first * time_s + 0.5 * slope * time_s**2) / 60.0
    beats = np.interp(np.arange(np.ceil(phase[0]), phase[-1]), phase, time_s)
    hr = heart_rates(ecg_signal(beats, seconds, 130, noise=0.05, seed=seed), 130, 27)
    expected = first + slope * (2.0 * np.arange(27) + 4.0)
    np.testing.assert_allclose(hr[1:-1], expected[1:-1], atol=1.0)


@pytest.mark.parametrize(
    ("ecg", "rate_hz"),
    [(np.ones(8000), 700), (np.ones((2, 8000)), 700), (np.arange(100.0), 128), (np.arange(800.0), 50)],
)
def test_what_cannot_be_an_ecg_is_refused(ecg: np.ndarray, rate_hz: int) -> None:
    with pytest.raises(InputError):
        r_peaks(ecg, rate_hz)
