"""IEEE SPC 2015, BAMI and WildPPG: what is read from their .mat files, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from models.data import bami, ieee, wildppg
from models.data.recording import HrOrigin
from ppg_deploy.errors import InputError
from tests.support.published_data import (
    bami_codes,
    beat_times,
    ecg_signal,
    pulse,
    rising_labels,
    wrist,
    write_ieee,
    write_wildppg,
)


def test_ieee_training_extra_and_test_files_share_the_subjects_ids(tmp_path: Path) -> None:
    write_ieee(tmp_path / "Training_data", "DATA_01_TYPE01.mat", "DATA_01_TYPE01_BPMtrace.mat", ecg=True)
    write_ieee(tmp_path / "Extra_TrainingData", "DATA_S04_T01.mat", "BPM_S04_T01.mat", ecg=True)
    write_ieee(tmp_path / "TestData", "TEST_S04_T02.mat", "True_S04_T02.mat", ecg=False)
    (tmp_path / "TestData" / "True_S04_T02.mat").rename(tmp_path / "True_S04_T02.mat")
    recordings = list(ieee.load(tmp_path))
    assert [(recording.name, recording.subject) for recording in recordings] == [
        ("DATA_01_TYPE01.mat", "ieee_tr01"),
        ("DATA_S04_T01.mat", "ieee_te04"),
        ("TEST_S04_T02.mat", "ieee_te04"),
    ]
    for recording in recordings:
        np.testing.assert_array_equal(recording.ppg, pulse(30, 125, channels=2))
        np.testing.assert_array_equal(recording.acceleration, wrist(30, 125))
        np.testing.assert_array_equal(recording.hr, rising_labels(12, 80.0))
        assert recording.ppg_rate_hz == 125


def test_ieee_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no DATA_"):
        list(ieee.load(tmp_path))
    write_ieee(tmp_path, "DATA_01_TYPE01.mat", "DATA_01_TYPE01_BPMtrace.mat", ecg=False)
    with pytest.raises(InputError, match=r"sig has shape \(5, 3750\), expected \(6, samples\)"):
        list(ieee.load(tmp_path))
    write_ieee(tmp_path, "DATA_01_TYPE01.mat", "DATA_01_TYPE01_BPMtrace.mat", ecg=True)
    label = tmp_path / "DATA_01_TYPE01_BPMtrace.mat"
    savemat(label, {"BPM1": np.ones((12, 1))})
    with pytest.raises(InputError, match="no variable BPM0"):
        list(ieee.load(tmp_path))
    savemat(label, {"BPM0": np.full((12, 2), 80.0)})
    with pytest.raises(InputError, match="expected one row"):
        list(ieee.load(tmp_path))
    label.unlink()
    with pytest.raises(InputError, match=r"needs DATA_01_TYPE01_BPMtrace\.mat, which is there 0 times"):
        list(ieee.load(tmp_path))


def _bami(seconds: int = 40) -> dict[str, Any]:
    return {
        "rawPPG": pulse(seconds, 50, channels=3),
        "rawAcc": bami_codes(seconds),
        "bpm_ecg": rising_labels((seconds - 8) // 2 + 1)[None],
    }


def test_bami_in_the_form_with_a_heart_rate_a_window(tmp_path: Path) -> None:
    for number in (2, 12):
        savemat(tmp_path / f"BAMI1_{number}.mat", _bami())
        savemat(tmp_path / f"BAMI2_{number}.mat", _bami())
    ones, twos = list(bami.load_bami1(tmp_path)), list(bami.load_bami2(tmp_path))
    assert [recording.subject for recording in ones] == ["bami1_02", "bami1_12"]
    assert [recording.subject for recording in twos] == ["bami2_02", "bami2_12"]
    np.testing.assert_array_equal(ones[0].ppg, pulse(40, 50, channels=3))
    np.testing.assert_allclose(ones[0].acceleration, wrist(40, 50), atol=0.5 / 4096)
    np.testing.assert_array_equal(ones[0].hr, rising_labels(17))


def test_bami_in_the_form_with_heart_rates_at_times(tmp_path: Path) -> None:
    time_s = np.arange(0.5, 40.0)
    savemat(
        tmp_path / "Subject_3.mat",
        {
            "sigPPG": pulse(40, 50, channels=3),
            "sigAcc": bami_codes(40),
            "sigGyro": bami_codes(40),
            "bpmECG": (60.0 + time_s)[None],
            "timeECG": time_s[None],
        },
    )
    (recording,) = bami.load_bami1_original(tmp_path)
    assert recording.subject == "bami1-original_03"
    # The window from 2 k holds the times 2 k + 0.5 to 2 k + 7.5, whose mean is 2 k + 4.
    np.testing.assert_allclose(recording.hr, 64.0 + 2.0 * np.arange(17))


def test_one_label_too_many_is_tolerated_two_are_not(tmp_path: Path) -> None:
    """One BAMI-1 file has one more label than windows fit."""
    for surplus, accepted in ((1, True), (2, False)):
        savemat(tmp_path / "BAMI1_1.mat", _bami() | {"bpm_ecg": rising_labels(17 + surplus)[None]})
        if accepted:
            assert next(bami.load_bami1(tmp_path)).hr.size == 18
        else:
            with pytest.raises(InputError, match="19 heart rates for 17 windows"):
                next(bami.load_bami1(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rawPPG": pulse(40, 50, channels=2)}, r"rawPPG has shape \(2, 2000\), expected \(3, samples\)"),
        ({"rawAcc": np.zeros((3, 2000))}, "median acceleration is 13.9 g"),
        ({"rawAcc": "text"}, "rawAcc is no matrix of numbers"),
        ({"bpm_ecg": np.full((1, 17), np.nan)}, "no reference heart rate"),
    ],
)
def test_bami_says_what_is_wrong(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    savemat(tmp_path / "BAMI2_1.mat", _bami() | change)
    with pytest.raises(InputError, match=message):
        list(bami.load_bami2(tmp_path))


def test_damaged_matlab_files_end_in_a_clean_error(tmp_path: Path) -> None:
    path = tmp_path / "BAMI2_1.mat"
    savemat(path, _bami())
    whole = path.read_bytes()
    for contents in (b"", b"no matlab", whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(contents)
        with pytest.raises(InputError, match=r"BAMI2_1\.mat"):
            list(bami.load_bami2(tmp_path))
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512))
    with pytest.raises(InputError, match=r"is a MATLAB 7\.3 file"):
        list(bami.load_bami2(tmp_path))


@pytest.mark.parametrize(("per_g", "unit"), [(1.0, "from g,"), (9.80665, "from m/s^2"), (1000.0, "from mg")])
def test_wildppg_takes_wrist_and_sternum_and_finds_the_unit(tmp_path: Path, per_g: float, unit: str) -> None:
    ecg = ecg_signal(beat_times(66.0, 40.0), 40.0, 128)
    write_wildppg(tmp_path / "WildPPG_Part_an0.mat", ecg, 40, per_g=per_g)
    (recording,) = wildppg.load(tmp_path)
    assert (recording.subject, recording.hr_origin) == ("wildppg_an0", HrOrigin.DERIVED)
    np.testing.assert_array_equal(recording.ppg, pulse(40, 128))
    np.testing.assert_allclose(recording.acceleration, wrist(40, 128), atol=1e-12)
    assert unit in recording.units.acceleration
    np.testing.assert_allclose(recording.hr[1:-1], 66.0, atol=0.5)


def test_wildppg_leaves_out_windows_in_the_known_interruptions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short file cannot reach the true places, so the table is given one at 15 to 16 s."""
    monkeypatch.setattr(wildppg, "_INTERRUPTIONS", {"l38": (15 * 128, 16 * 128)})
    ecg = ecg_signal(beat_times(66.0, 40.0), 40.0, 128)
    write_wildppg(tmp_path / "WildPPG_Part_l38.mat", ecg, 40)
    (recording,) = wildppg.load(tmp_path)
    starts = 2.0 * np.arange(17)
    touched = (starts <= 16.0) & (starts + 8.0 > 15.0)
    np.testing.assert_array_equal(np.isnan(recording.hr[1:-1]), touched[1:-1])


def test_wildppg_says_what_is_wrong(tmp_path: Path) -> None:
    ecg = ecg_signal(beat_times(66.0, 40.0), 40.0, 128)
    path = tmp_path / "WildPPG_Part_an0.mat"
    savemat(tmp_path / "WildPPG.mat", {"data_ppg_wrist": np.zeros((3, 200))})
    with pytest.raises(InputError, match=r"holds no WildPPG_Part_\*") as caught:
        list(wildppg.load(tmp_path))
    assert "WildPPG.mat (Hugging Face)" in caught.value.hint
    write_wildppg(path, ecg, 40, rate_hz=64)
    with pytest.raises(InputError, match=r"ppg_g.fs is \[64\], expected 128 Hz"):
        list(wildppg.load(tmp_path))
    write_wildppg(path, ecg, 40, per_g=50.0)
    with pytest.raises(InputError, match=r"1 g in none of g, m/s\^2, mg"):
        list(wildppg.load(tmp_path))
    savemat(path, {"wrist": {"ppg_g": 1.0}, "sternum": 2.0})
    with pytest.raises(InputError, match=r"wrist\.ppg_g has no field v"):
        list(wildppg.load(tmp_path))
    savemat(path, {"id": "an0"})
    with pytest.raises(InputError, match="no variable wrist"):
        list(wildppg.load(tmp_path))
