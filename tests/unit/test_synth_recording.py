"""Windows, motion, repeatability and files of the generator."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from models.synth import (
    Activity,
    Segment,
    SubjectSettings,
    WindowSet,
    generate_recording,
    generate_window_set,
    save_window_set,
    windows,
)
from models.synth.__main__ import main
from ppg_deploy.errors import InputError
from ppg_deploy.windows import load_windows

REPOSITORY = Path(__file__).parents[2]
PINNED_PPG = [-140, 4, 307, 613, 714, 481]
PINNED_ACCELERATION = [396 / 256, 347 / 256, -233 / 256]
PINNED_HEART_RATES = [168.127, 164.280, 163.175]
WALK = (Segment(Activity.WALK, 80.0),)
RUN = (Segment(Activity.RUN, 80.0),)
STEADY_STEPS = SubjectSettings(entrainment_probability=0.0, walking_cadence_hz=1.9, running_cadence_hz=2.6)


def test_same_seed_same_bytes_other_seed_other_signal() -> None:
    first, again, other = (generate_recording(seed, 60.0) for seed in (7, 7, 8))
    assert first.signal.tobytes() == again.signal.tobytes()
    assert first.hr_bpm.tobytes() == again.hr_bpm.tobytes()
    assert not np.array_equal(first.signal, other.signal)
    assert first.settings != other.settings


def test_seed_zero_gives_the_published_recording() -> None:
    """Values written down once (numpy 2.1.3, 2.2.6 and 2.4.6 agree), so that a change of the data is noticed."""
    recording = generate_recording(0, 60.0)
    x, hr, _ = windows(recording)
    np.testing.assert_allclose(x[0, 0, 0, :6], PINNED_PPG, atol=1.0)
    np.testing.assert_allclose(x[0, 0, 1:, 0], PINNED_ACCELERATION, atol=1 / 256)
    np.testing.assert_allclose(hr[[0, 10, 20]], PINNED_HEART_RATES, atol=0.01)


def test_windows_overlap_by_all_but_one_stride() -> None:
    recording = generate_recording(3, 61.5)
    x, hr, start_s = windows(recording)
    assert x.shape == (27, 1, 4, 256)
    assert x.dtype == hr.dtype == start_s.dtype == np.float32
    np.testing.assert_array_equal(x[:-1, ..., 64:], x[1:, ..., :-64])
    np.testing.assert_array_equal(start_s, np.arange(27) * 2.0)
    np.testing.assert_array_equal(x[5, 0], recording.signal[:, 320:576])
    assert hr[5] == pytest.approx(recording.hr_bpm[320:576].astype(np.float64).mean(), abs=1e-4)


def test_shortest_recording_is_one_window() -> None:
    assert windows(generate_recording(3, 8.0))[0].shape == (1, 1, 4, 256)


def test_sensor_units() -> None:
    x = np.concatenate([generate_recording(seed, 100.0).signal for seed in range(10)], axis=1).astype(
        np.float64
    )
    np.testing.assert_array_equal(x[0], np.rint(x[0]))
    np.testing.assert_array_equal(x[1:] * 256, np.rint(x[1:] * 256))
    assert np.abs(x[0]).max() <= 2047
    assert np.abs(x[1:]).max() <= 8.0


def test_motion_leaks_into_the_ppg_only_when_asked() -> None:
    still, leaking = (
        generate_recording(
            21, 80.0, settings=dataclasses.replace(STEADY_STEPS, motion_gain=gain), schedule=WALK
        )
        for gain in (0.0, 1.0)
    )
    np.testing.assert_array_equal(still.signal[1:], leaking.signal[1:])
    np.testing.assert_array_equal(still.hr_bpm, leaking.hr_bpm)
    artefact = (leaking.signal[0] - still.signal[0]).astype(np.float64)
    assert artefact.std() > 0.1 * STEADY_STEPS.pulse_amplitude_counts


@pytest.mark.parametrize(("schedule", "cadence_hz"), [(WALK, 1.9), (RUN, 2.6)])
def test_artefact_shares_its_frequencies_with_the_accelerometer(
    schedule: tuple[Segment, ...], cadence_hz: float
) -> None:
    still, leaking = (
        generate_recording(
            22, 80.0, settings=dataclasses.replace(STEADY_STEPS, motion_gain=gain), schedule=schedule
        )
        for gain in (0.0, 1.0)
    )
    artefact = leaking.signal[0].astype(np.float64) - still.signal[0]
    frequencies, artefact_power = signal.welch(artefact, 32.0, nperseg=512)
    _, axis_power = signal.welch(leaking.signal[1:].astype(np.float64), 32.0, nperseg=512)
    moving = frequencies > 0.5
    stride_hz = cadence_hz / 2.0
    for power in (artefact_power, axis_power.sum(axis=0)):
        peak_hz = frequencies[moving][power[moving].argmax()]
        multiple = peak_hz / stride_hz
        assert abs(multiple - round(multiple)) < 0.12
        assert round(multiple) in (1, 2)
    _, coherence = signal.coherence(artefact, leaking.signal[1:].astype(np.float64), 32.0, nperseg=256)
    at_steps = np.argmin(np.abs(np.arange(129) * 32.0 / 256 - cadence_hz))
    assert coherence[:, at_steps].max() > 0.7


def test_entrained_steps_fall_near_the_heart_rate() -> None:
    settings = dataclasses.replace(STEADY_STEPS, entrainment_probability=1.0, resting_hr_bpm=110.0)
    recording = generate_recording(23, 80.0, settings=settings, schedule=RUN)
    in_reach = (recording.hr_bpm > 140.0) & (recording.hr_bpm < 180.0)
    ratio = 60.0 * recording.cadence_hz[in_reach] / recording.hr_bpm[in_reach]
    assert in_reach.sum() > 10 * 32
    assert np.median(np.abs(ratio - 1.0)) < 0.1


def test_resting_accelerometer_measures_gravity_in_changing_directions() -> None:
    recording = generate_recording(24, 300.0, schedule=(Segment(Activity.REST, 300.0),))
    acceleration = recording.signal[1:].astype(np.float64)
    assert np.median(np.linalg.norm(acceleration, axis=0)) == pytest.approx(1.0, abs=0.03)
    assert np.ptp(acceleration, axis=1).max() > 0.5
    assert np.all(recording.cadence_hz == 0.0)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"seed": -1, "duration_s": 60.0}, "seed"),
        ({"seed": 1, "duration_s": 7.9}, "duration_s"),
        ({"seed": 1, "duration_s": float("nan")}, "duration_s"),
        ({"seed": 1, "duration_s": 90.0, "schedule": WALK}, "schedule"),
    ],
)
def test_impossible_recordings_are_refused(arguments: dict[str, object], part: str) -> None:
    with pytest.raises(InputError, match=part):
        generate_recording(**arguments)  # type: ignore[arg-type]


def test_windows_file_is_read_back_by_the_toolchain(tmp_path: Path) -> None:
    window_set = generate_window_set([31, 32], 20.0)
    save_window_set(tmp_path / "a.npz", window_set)
    save_window_set(tmp_path / "b.npz", window_set)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = load_windows(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded.x, window_set.x)
    assert loaded.hr is not None
    assert loaded.start_s is not None
    assert loaded.subject is not None
    np.testing.assert_array_equal(loaded.hr, window_set.hr)
    np.testing.assert_array_equal(loaded.start_s, [0, 2, 4, 6, 8, 10, 12] * 2)
    assert loaded.subject.tolist() == ["synth_31"] * 7 + ["synth_32"] * 7
    assert loaded.recordings(2.0) == [slice(0, 7), slice(7, 14)]


def test_window_set_refuses_columns_of_different_length() -> None:
    with pytest.raises(InputError, match="entries"):
        WindowSet(
            np.zeros((2, 1, 4, 256), np.float32),
            np.zeros(3, np.float32),
            np.array(["a", "a"]),
            np.zeros(2, np.float32),
        )


def test_command_writes_a_windows_file(tmp_path: Path) -> None:
    out = tmp_path / "windows.npz"
    command = [sys.executable, "-m", "models.synth", "--out", str(out)]
    command += ["--seed", "5", "--subjects", "2", "--duration-s", "16"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    assert "10 windows of 2 subjects" in done.stdout
    expected = generate_window_set([5, 6], 16.0)
    np.testing.assert_array_equal(load_windows(out).x, expected.x)


def test_command_refuses_bad_arguments_without_writing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "windows.npz"
    assert main(["--out", str(out), "--seed", "-3"]) == 2
    assert main(["--out", str(out), "--subjects", "0"]) == 2
    assert "hint:" in capsys.readouterr().err
    assert not out.exists()
