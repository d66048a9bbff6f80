"""python -m models.data from files to a windows file; and the recordings of ../shared, where they are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.data import (
    BAND_HZ,
    SOURCES,
    Layout,
    Processing,
    Rule,
    fit_normalisation,
    load_recordings,
    window_set,
)
from models.data import shared as shared_source
from models.data.__main__ import main
from models.data.processing import process
from models.synth import generate_window_set
from ppg_deploy.errors import InputError
from ppg_deploy.windows import load_windows
from tests.support import shared_data
from tests.support.published_data import dalia_contents, write_galaxyppg, write_wristband_pickle

REPOSITORY = Path(__file__).parents[2]


def test_from_dalia_to_a_windows_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (5, 6):
        write_wristband_pickle(tmp_path / "in" / f"S{number}.pkl", dalia_contents(number))
    out = tmp_path / "out" / "windows.npz"
    code = main(
        [
            "dalia",
            "--folder",
            str(tmp_path / "in"),
            "--out",
            str(out),
            "--rate",
            "32",
            "--resampling",
            "every-nth",
        ]
    )
    assert code == 0
    windows = load_windows(out)
    assert windows.x.shape == (34, 1, 4, 256)
    assert windows.subject is not None
    assert windows.start_s is not None
    assert list(windows.subject[[0, -1]]) == ["dalia_05", "dalia_06"]
    assert [run.stop - run.start for run in windows.recordings(2.0)] == [17, 17]
    # Every second sample, as published: raw units, nothing filtered.
    raw = np.asarray(dalia_contents(6)["signal"]["wrist"]["BVP"])[:, 0]
    np.testing.assert_array_equal(windows.x[18, 0, 0], raw[128 : 128 + 512 : 2].astype(np.float32))
    said = capsys.readouterr().out
    assert "34 windows (1, 4, 256) of 2 subjects at 32 Hz" in said
    assert "CC BY 4.0" in said
    assert "Deep PPG" in said


def test_ppg_alone_at_25_hz_as_a_sequence(tmp_path: Path) -> None:
    write_galaxyppg(tmp_path / "P02")
    write_galaxyppg(tmp_path / "P03")
    out = tmp_path / "windows.npz"
    options = ["--rate", "25", "--channels", "ppg", "--layout", "sequence", "--band-pass"]
    command = [
        "galaxyppg",
        "--folder",
        str(tmp_path),
        "--out",
        str(out),
        *options,
        "--without",
        "galaxyppg_03",
    ]
    assert main(command) == 0
    windows = load_windows(out)
    assert windows.x.shape == (16, 1, 200)
    assert windows.subject is not None
    assert set(windows.subject) == {"galaxyppg_02"}


def test_the_generator_as_a_source_equals_the_generator(tmp_path: Path) -> None:
    out = tmp_path / "windows.npz"
    assert main(["synth", "--out", str(out), "--seeds", "3", "2", "--seconds", "30"]) == 0
    windows, generated = load_windows(out), generate_window_set(range(3, 5), 30.0)
    np.testing.assert_array_equal(windows.x, generated.x)
    np.testing.assert_array_equal(windows.hr, generated.hr)
    assert windows.subject is not None
    assert set(windows.subject) == {"synth_3", "synth_4"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dalia", "--out", "w.npz"], "needs --folder"),
        (["dalia", "--folder", "."], "no --out"),
        (["dalia", "--folder", "absent", "--out", "w.npz"], "absent: no such folder"),
        (["synth", "--out", "w.npz", "--seconds", "2"], "shorter than one window"),
    ],
)
def test_errors_are_said_with_a_hint(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "hint: " in said


def test_unknown_subjects_and_sources_are_refused(tmp_path: Path) -> None:
    write_wristband_pickle(tmp_path / "S5.pkl", dalia_contents(5))
    with pytest.raises(InputError, match="holds no recording of dalia_07"):
        load_recordings("dalia", tmp_path, Processing(), subjects=["dalia_05", "dalia_07"])
    with pytest.raises(InputError, match="no data set 'daila'"):
        load_recordings("daila", tmp_path, Processing())


def test_the_list_names_every_source_with_its_terms_and_needs_no_torch() -> None:
    script = (
        "import sys; from models.data.__main__ import main; main(['list']); assert 'torch' not in sys.modules"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    for name, source in SOURCES.items():
        assert f"{name}: {source.title}" in said
        assert source.licence in said
        assert source.citation in said


SHARED = shared_data.SHARED / "data"


@pytest.mark.shared
@shared_data.requires_shared
@pytest.mark.parametrize(
    ("student", "rate_hz", "tolerance"), [("pulse_dev", 32, 1e-6), ("resnet2_dev", 25, 2e-4)]
)
def test_windows_equal_the_preprocessing_of_the_shared_students(
    tmp_path: Path, student: str, rate_hz: int, tolerance: float
) -> None:
    """The other implementation follows shared/students/README.md and was measured with the students.

    At 25 Hz it resamples with the DC level, which leaves a ripple of 0.05 counts that ours does not have.
    """
    reference = load_windows(shared_data.write_recording_windows(tmp_path / "reference.npz", student, "val"))
    processing = Processing(rate_hz=rate_hz, band_hz=BAND_HZ)
    recordings = [process(raw, processing) for raw in shared_source.load(SHARED, part="val", in_g=False)]
    ours = window_set(recordings) if rate_hz == 32 else window_set(recordings, Layout.SEQUENCE, (0,))
    assert ours.x.shape == reference.x.shape
    np.testing.assert_array_equal(ours.hr, reference.hr)
    np.testing.assert_array_equal(ours.subject, reference.subject)
    np.testing.assert_array_equal(ours.start_s, reference.start_s)
    largest = np.abs(reference.x).max(axis=(0, -1), keepdims=True)
    np.testing.assert_allclose(ours.x / largest, reference.x / largest, atol=tolerance)


@pytest.mark.shared
@shared_data.requires_shared
def test_training_statistics_equal_those_of_the_shared_student() -> None:
    """pulse_dev divides the acceleration by these numbers of preprocess.json, from the training windows."""
    processing = Processing(rate_hz=32, band_hz=BAND_HZ)
    recordings = [process(raw, processing) for raw in shared_source.load(SHARED, part="train", in_g=False)]
    assert len({recording.subject for recording in recordings}) == 49
    fitted = fit_normalisation(window_set(recordings).x, (Rule.WINDOW, Rule.SCALE, Rule.SCALE, Rule.SCALE))
    np.testing.assert_allclose(fitted.std[1:], [0.296428, 0.317713, 0.245399], atol=1e-5)


@pytest.mark.shared
@shared_data.requires_shared
def test_the_fragment_of_dalia_is_joined_without_a_seam(tmp_path: Path) -> None:
    reference = load_windows(shared_data.write_dalia_windows(tmp_path / "reference.npz"))
    (recording,) = load_recordings("shared-stairs", SHARED, Processing())
    ours = window_set([recording])
    np.testing.assert_array_equal(ours.x, reference.x)
    np.testing.assert_array_equal(ours.hr, reference.hr)
    assert recording.subject == "dalia_06"
