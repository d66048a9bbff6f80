"""Resampling, merging, filtering, cutting and normalisation, against signals and formulas known otherwise."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from models.data import (
    BAND_HZ,
    HrOrigin,
    Layout,
    Processing,
    Recording,
    Resampling,
    Rule,
    Units,
    cut,
    fit_normalisation,
    window_set,
)
from models.data.processing import band_pass, merge_ppg, process, resample
from models.data.recording import RawRecording, window_count
from ppg_deploy.card import FixedChannel, InputCard, StudentCard, WindowChannel
from ppg_deploy.errors import InputError
from ppg_deploy.windows import Windows, normalise
from tests.support.published_data import pulse, rising_labels, wrist

UNITS = Units("counts", "g")


def _raw(ppg: NDArray[np.float64], rate_hz: int, seconds: int, labels: int | None = None) -> RawRecording:
    return RawRecording(
        dataset="some",
        subject="some_1",
        name="file",
        ppg=ppg,
        ppg_rate_hz=rate_hz,
        acceleration=wrist(seconds, 32),
        acceleration_rate_hz=32,
        hr=rising_labels(window_count(seconds) if labels is None else labels).astype(np.float32),
        units=UNITS,
        hr_origin=HrOrigin.PUBLISHED,
    )


@pytest.mark.parametrize("rate_hz", [25, 50, 64, 125, 128, 130])
@pytest.mark.parametrize("target_hz", [25, 32])
def test_a_slow_sine_survives_resampling_in_place_and_height(rate_hz: int, target_hz: int) -> None:
    """Frequency, phase and level of a 1.5 Hz sine on a large offset, away from the ends."""
    time_s = np.arange(20 * rate_hz) / rate_hz
    resampled = resample((40000.0 + np.sin(2.0 * np.pi * 1.5 * time_s))[None], rate_hz, target_hz)
    assert resampled.shape == (1, 20 * target_hz)
    expected = np.sin(2.0 * np.pi * 1.5 * np.arange(20 * target_hz) / target_hz)
    middle = slice(2 * target_hz, -2 * target_hz)
    np.testing.assert_allclose((resampled[0] - 40000.0)[middle], expected[middle], atol=0.02)
    # Without extended edges the level would ring by thousands of counts.
    assert np.abs(resampled - 40000.0).max() < 3.0


def test_resampling_removes_what_would_alias() -> None:
    """40 Hz would appear as 8 Hz at 32 Hz; dropping samples keeps it, the polyphase filter does not."""
    time_s = np.arange(64 * 20) / 64.0
    fast = np.sin(2.0 * np.pi * 24.0 * time_s + 0.3)[None]
    assert np.abs(resample(fast, 64, 32)[0, 64:-64]).max() < 0.05
    kept = resample(fast, 64, 32, Resampling.EVERY_NTH)
    np.testing.assert_array_equal(kept, fast[:, ::2])
    with pytest.raises(InputError, match="125 Hz cannot become 32 Hz"):
        resample(fast, 125, 32, Resampling.EVERY_NTH)


def test_the_band_pass_is_causal_and_passes_the_band() -> None:
    rng = np.random.default_rng(0)
    one = rng.standard_normal((4, 32 * 60)) + 1000.0
    other = one.copy()
    other[:, 1000:] += 50.0
    np.testing.assert_array_equal(band_pass(one, 32)[:, :1000], band_pass(other, 32)[:, :1000])
    time_s = np.arange(32 * 60) / 32.0
    for frequency_hz, lowest, highest in ((0.1, 0.0, 0.06), (1.5, 0.9, 1.01), (12.0, 0.0, 0.06)):
        height = np.abs(band_pass(np.sin(2.0 * np.pi * frequency_hz * time_s)[None], 32)[0, 960:]).max()
        assert lowest <= height <= highest
    # Half the power at both edges is what the edges of a Butterworth filter are.
    impulse = np.zeros((1, 4000))
    impulse[0, 1] = 1.0
    response = scipy_signal.freqz(band_pass(impulse, 32)[0], worN=[0.5, 4.0], fs=32)
    np.testing.assert_allclose(np.abs(response[1]), np.sqrt(0.5), rtol=1e-3)


def test_ppg_channels_are_equalised_before_they_are_averaged() -> None:
    """Two sines of 1 and 3 counts on 100 and 200: both become 2 counts, on scaled levels 200 and 400 / 3."""
    time_s = np.arange(32 * 300) / 32.0
    sine = np.sin(2.0 * np.pi * 1.5 * time_s)
    merged = merge_ppg(np.stack([100.0 + sine, 200.0 + 3.0 * sine]), 32, "file")
    np.testing.assert_allclose(merged[0], (200.0 + 400.0 / 3.0) / 2.0 + 2.0 * sine, atol=0.05)
    single = pulse(8, 32)
    assert merge_ppg(single, 32, "file") is single
    with pytest.raises(InputError, match="file: PPG channel 2 is constant"):
        merge_ppg(np.stack([sine, np.ones(sine.size)]), 32, "file")


def test_processing_joins_streams_of_two_rates() -> None:
    recording = process(_raw(pulse(30, 125, channels=2), 125, 30), Processing(rate_hz=32))
    assert recording.signal.shape == (4, 960)
    assert recording.signal.dtype == np.float32
    assert recording.steps == ("PPG 125 Hz to 32 Hz, polyphase", "2 PPG channels merged")
    np.testing.assert_allclose(recording.signal[1:], wrist(30, 32), atol=1e-6)
    assert recording.hr.size == 12
    filtered = process(_raw(pulse(30, 32), 32, 30), Processing(rate_hz=25, band_hz=BAND_HZ))
    assert filtered.signal.shape == (4, 750)
    assert np.abs(filtered.signal[:, -250:].mean(axis=1)).max() < 0.1


def test_a_label_beyond_the_last_window_is_dropped() -> None:
    assert process(_raw(pulse(30, 32), 32, 30, labels=13), Processing()).hr.size == 12
    assert process(_raw(pulse(30, 32), 32, 30, labels=9), Processing()).hr.size == 9


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_hz": 50},
        {"band_hz": (4.0, 0.5)},
        {"band_hz": (0.5, 16.0)},
        {"band_hz": (0.0, 4.0)},
    ],
)
def test_impossible_processing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Processing(**wrong)  # type: ignore[arg-type]


def _recording(
    subject: str = "some_1", seconds: int = 30, missing: tuple[int, ...] = (), rate_hz: int = 32
) -> Recording:
    signal = np.arange(4 * seconds * rate_hz, dtype=np.float32).reshape(4, -1)
    hr = rising_labels(window_count(seconds)).astype(np.float32)
    hr[list(missing)] = np.nan
    return Recording("some", subject, "file", signal, rate_hz, hr, UNITS, HrOrigin.PUBLISHED)


@settings(max_examples=30, deadline=None)
@given(seconds=st.integers(8, 60), rate_hz=st.sampled_from([25, 32]), missing=st.sets(st.integers(0, 26)))
def test_each_window_holds_its_own_eight_seconds(seconds: int, rate_hz: int, missing: set[int]) -> None:
    windows = window_count(seconds)
    gone = tuple(sorted(window for window in missing if window < windows))
    if len(gone) == windows:
        gone = gone[1:]
    recording = _recording(seconds=seconds, missing=gone, rate_hz=rate_hz)
    x, hr, start_s = cut(recording)
    assert x.shape == (windows - len(gone), 4, 8 * rate_hz)
    for row, start in enumerate(start_s):
        first = round(float(start) * rate_hz)
        np.testing.assert_array_equal(x[row], recording.signal[:, first : first + 8 * rate_hz])
        assert hr[row] == recording.hr[round(float(start) / 2.0)]
    assert not {round(float(start) / 2.0) for start in start_s} & set(gone)


def test_layouts_and_channels() -> None:
    recordings = [_recording("some_1"), _recording("some_2", missing=(0,))]
    image = window_set(recordings)
    assert image.x.shape == (23, 1, 4, 256)
    assert list(image.subject[[0, 11, 12]]) == ["some_1", "some_1", "some_2"]
    assert image.start_s[12] == 2.0
    sequence = window_set(recordings, Layout.SEQUENCE, (0,))
    np.testing.assert_array_equal(sequence.x, image.x[:, 0, :1])
    with pytest.raises(InputError, match=r"recordings at \[25, 32\] Hz"):
        window_set([_recording(), _recording(rate_hz=25)])
    with pytest.raises(InputError):
        window_set([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": "other_1"}, "is not of data set"),
        ({"subject": "some"}, "names no data set"),
        ({"signal": np.zeros((3, 960), np.float32)}, r"signal has shape \(3, 960\)"),
        ({"hr": np.full(12, np.nan, np.float32)}, "no reference heart rate"),
        ({"hr": np.full(12, 5.0, np.float32)}, "from 5.0 to 5.0 BPM"),
        ({"hr": np.full(13, 70.0, np.float32)}, "more heart rates than windows"),
    ],
)
def test_impossible_recordings_are_refused(change: dict[str, object], message: str) -> None:
    whole = _recording()
    with pytest.raises(InputError, match=message):
        Recording(**{name: getattr(whole, name) for name in whole.__dataclass_fields__} | change)  # type: ignore[arg-type]


def test_normalisation_equals_the_cards() -> None:
    """The tool's own normalisation (ppg_deploy.windows), with the fitted constants written into a card."""
    rng = np.random.default_rng(2)
    spread, level = [[3.0], [0.5], [0.2], [7.0]], [[9.0], [1.0], [0.0], [2.0]]
    training = (rng.standard_normal((50, 1, 4, 256)) * spread + level).astype(np.float32)
    other = training[:5] * 1.5 + 0.25
    fitted = fit_normalisation(training, (Rule.WINDOW, Rule.FIXED, Rule.SCALE, Rule.NONE))
    np.testing.assert_allclose(fitted.std[[1, 2]], [0.5, 0.2], rtol=0.02)
    np.testing.assert_array_equal(fitted.mean[[0, 2, 3]], 0.0)
    np.testing.assert_array_equal(fitted.std[[0, 3]], 1.0)
    channels = (
        WindowChannel(name="PPG", normalise="window"),
        *(
            FixedChannel(
                name=f"C{channel}", normalise="fixed", mean=fitted.mean[channel], std=fitted.std[channel]
            )
            for channel in (1, 2, 3)
        ),
    )
    card = StudentCard.model_validate(
        {
            "schema": 1,
            "name": "test",
            "input": InputCard(
                sample_rate_hz=32.0, window_s=8.0, stride_s=2.0, channel=channels
            ).model_dump(),
            "output": {"decode": "scalar", "valid_bpm": (30.0, 210.0)},
        }
    )
    windows = Windows(Path("x.npz"), other, None, None, None)
    np.testing.assert_allclose(fitted.apply(other), normalise(windows, card), atol=1e-5)
    with pytest.raises(InputError):
        fitted.apply(other[:, :, :2])
    with pytest.raises(InputError, match="channel 1 of the training windows is constant"):
        fit_normalisation(np.ones((3, 2, 256), np.float32), (Rule.WINDOW, Rule.FIXED))
