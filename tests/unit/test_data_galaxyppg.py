"""GalaxyPPG's CSV folders: times, gaps, heart rates, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from models.data import galaxyppg
from ppg_deploy.errors import InputError
from tests.support.published_data import pulse, wrist, write_csv, write_galaxyppg


def test_streams_and_heart_rates_meet_in_time(tmp_path: Path) -> None:
    write_galaxyppg(tmp_path / "P02")
    (recording,) = galaxyppg.load(tmp_path)
    assert (recording.subject, recording.ppg_rate_hz) == ("galaxyppg_02", 25)
    # The grid ends before the last sample.
    np.testing.assert_allclose(recording.ppg, pulse(40, 25)[:, :-1], atol=1e-9)
    np.testing.assert_allclose(recording.acceleration, wrist(40, 25)[:, :-1], atol=1e-9)
    # The strap reports 60 + s at second s: the window from 2 k holds 60 + 2 k to 67 + 2 k.
    np.testing.assert_allclose(recording.hr, 63.5 + 2.0 * np.arange(16))


@pytest.mark.parametrize(
    ("per_g", "unit"), [(1.0, "from g,"), (4096.0, "from 1/4096 g"), (9.80665, "from m/s^2")]
)
def test_the_unit_of_acceleration_is_found_by_gravity(tmp_path: Path, per_g: float, unit: str) -> None:
    write_galaxyppg(tmp_path / "P02", per_g=per_g)
    (recording,) = galaxyppg.load(tmp_path)
    assert unit in recording.units.acceleration
    np.testing.assert_allclose(recording.acceleration, wrist(40, 25)[:, :-1], atol=1e-9)


def _edit(path: Path, keep: slice | None = None, replace: tuple[str, str] | None = None) -> None:
    lines = path.read_text().splitlines()
    if keep is not None:
        lines = [
            lines[0],
            *(line for number, line in enumerate(lines[1:]) if not keep.start <= number < keep.stop),
        ]
    text = "\n".join(lines) + "\n"
    path.write_text(text.replace(*replace) if replace else text)


@pytest.mark.parametrize("file", ["PPG.csv", "ACC.csv"])
def test_windows_that_touch_a_gap_have_no_reference(tmp_path: Path, file: str) -> None:
    write_galaxyppg(tmp_path / "P02")
    _edit(tmp_path / "P02" / "GalaxyWatch" / file, keep=slice(500, 525))
    (recording,) = galaxyppg.load(tmp_path)
    starts = 2.0 * np.arange(16)
    touched = (starts < 21.0) & (starts + 8.0 > 19.96)
    np.testing.assert_array_equal(np.isnan(recording.hr), touched)


def test_samples_without_a_signal_count_as_a_gap(tmp_path: Path) -> None:
    write_galaxyppg(tmp_path / "P02")
    path = tmp_path / "P02" / "GalaxyWatch" / "PPG.csv"
    lines = path.read_text().splitlines()
    lines[501:526] = [line.rsplit(",", 1)[0] + ",-999" for line in lines[501:526]]
    path.write_text("\n".join(lines))
    (recording,) = galaxyppg.load(tmp_path)
    assert np.isnan(recording.hr).sum() == 5


def test_windows_with_too_few_heart_rates_have_no_reference(tmp_path: Path) -> None:
    write_galaxyppg(tmp_path / "P02")
    _edit(tmp_path / "P02" / "PolarH10" / "HR.csv", keep=slice(10, 20))
    (recording,) = galaxyppg.load(tmp_path)
    seconds = np.concatenate([np.arange(10), np.arange(20, 40)])
    present = np.array([((seconds >= 2 * k) & (seconds < 2 * k + 8)).sum() for k in range(16)])
    np.testing.assert_array_equal(np.isnan(recording.hr), present < 4)
    assert 0 < (present < 4).sum() < 16


def test_only_the_time_between_the_events_counts(tmp_path: Path) -> None:
    write_galaxyppg(tmp_path / "P02")
    start_ms = 1_700_000_000_000
    write_csv(
        tmp_path / "P02" / "Event.csv",
        ("timestamp", "session", "status"),
        ((start_ms + 10_000, "baseline", "ENTER"), (start_ms + 30_000, "baseline", "EXIT")),
    )
    (recording,) = galaxyppg.load(tmp_path)
    assert recording.ppg.shape == (1, 500)
    assert recording.hr[0] == pytest.approx(73.5)


def test_a_participant_can_be_left_out(tmp_path: Path) -> None:
    write_galaxyppg(tmp_path / "P02")
    (tmp_path / "P03").mkdir()
    with pytest.raises(InputError, match=r"P03.*PPG\.csv: No such file"):
        list(galaxyppg.load(tmp_path))
    assert len(list(galaxyppg.load(tmp_path, lambda subject: subject != "galaxyppg_03"))) == 1


@pytest.mark.parametrize(
    ("file", "replace", "message"),
    [
        ("GalaxyWatch/PPG.csv", ("ppg,", "green,"), "has no column ppg"),
        ("GalaxyWatch/ACC.csv", ("1700000000040", "17000000xx040"), "line 3: '17000000xx040' is no number"),
        ("PolarH10/HR.csv", ("17", "18"), "no 8 s in common"),
        ("Event.csv", ("timestamp", "time"), "has no column timestamp"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, file: str, replace: tuple[str, str], message: str) -> None:
    write_galaxyppg(tmp_path / "P02")
    _edit(tmp_path / "P02" / file, replace=replace)
    with pytest.raises(InputError, match=message):
        list(galaxyppg.load(tmp_path))


def test_wrong_rates_missing_events_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder P01"):
        list(galaxyppg.load(tmp_path))
    write_galaxyppg(tmp_path / "P02")
    path = tmp_path / "P02" / "GalaxyWatch" / "PPG.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[1::4]]))
    with pytest.raises(InputError, match=r"samples are 160\.0 ms apart"):
        list(galaxyppg.load(tmp_path))
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no CSV text"):
        list(galaxyppg.load(tmp_path))
    (tmp_path / "P02" / "Event.csv").unlink()
    write_galaxyppg(tmp_path / "P03")
    (tmp_path / "P03" / "Event.csv").unlink()
    with pytest.raises(InputError, match=r"has no Event\.csv"):
        list(galaxyppg.load(tmp_path, lambda subject: subject == "galaxyppg_03"))
