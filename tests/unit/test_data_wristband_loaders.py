"""PPG-DaLiA and WESAD: what is read from their pickles, what is refused, and that nothing of a pickle is run."""

import contextlib
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import dalia, wesad
from models.data.pickles import load_pickle
from models.data.recording import HrOrigin, RawRecording
from ppg_deploy.errors import InputError
from tests.support.published_data import (
    beat_times,
    dalia_contents,
    ecg_signal,
    pulse,
    wesad_contents,
    wrist,
    write_wristband_pickle,
)


def _dalia(folder: Path, *numbers: int) -> list[RawRecording]:
    for number in numbers:
        write_wristband_pickle(folder / f"S{number}" / f"S{number}.pkl", dalia_contents(number))
    return list(dalia.load(folder))


def test_dalia_is_read_as_published(tmp_path: Path) -> None:
    recordings = _dalia(tmp_path, 10, 2)
    assert [recording.subject for recording in recordings] == ["dalia_02", "dalia_10"]
    first = recordings[0]
    np.testing.assert_array_equal(first.ppg, pulse(40, 64))
    np.testing.assert_array_equal(first.acceleration, wrist(40, 32))
    np.testing.assert_array_equal(first.hr, 62.0 + 0.5 * np.arange(17))
    assert (first.ppg_rate_hz, first.acceleration_rate_hz, first.hr_origin) == (64, 32, HrOrigin.PUBLISHED)


def test_only_the_wanted_files_are_opened(tmp_path: Path) -> None:
    _dalia(tmp_path, 3)
    (tmp_path / "S4.pkl").write_bytes(b"broken")
    assert [
        recording.subject for recording in dalia.load(tmp_path, lambda subject: subject != "dalia_04")
    ] == ["dalia_03"]


def _change(contents: dict[str, Any], *keys: str, value: Any) -> dict[str, Any]:
    inner = contents
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return contents


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("signal", "wrist", "BVP"), None, "no entry signal/wrist/BVP"),
        (("signal", "wrist"), None, "no entry signal/wrist"),
        (("label",), None, "no entry label"),
        (("subject",), "S9", "is of subject S9"),
        (
            ("signal", "wrist", "ACC"),
            np.ones((1280, 2)),
            r"ACC has shape \(1280, 2\), expected \(samples, 3\)",
        ),
        (("signal", "wrist", "ACC"), np.array(["a"]), "ACC is no array of numbers"),
        (("signal", "wrist", "ACC"), 64.0 * wrist(40, 32).T, "median acceleration is 64"),
        (("signal", "wrist", "BVP"), pulse(20, 64).T, "20.0 s of PPG but 40.0 s of acceleration"),
        (("signal", "wrist", "BVP"), np.full((2560, 1), np.nan), "PPG has NaN"),
        (("label",), np.full(17, 700.0), "from 700.0 to 700.0 BPM"),
        (("label",), np.full(40, 70.0), "40 heart rates for 17 windows"),
    ],
)
def test_dalia_says_what_is_wrong(tmp_path: Path, keys: tuple[str, ...], value: Any, message: str) -> None:
    write_wristband_pickle(tmp_path / "S1.pkl", _change(dalia_contents(1), *keys, value=value))
    with pytest.raises(InputError, match=message):
        list(dalia.load(tmp_path))


def test_a_missing_folder_or_file_says_where_to_get_it(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError) as caught:
            list(dalia.load(folder))
        assert "UCI" in caught.value.hint
    write_wristband_pickle(tmp_path / "one" / "S1.pkl", dalia_contents(1))
    write_wristband_pickle(tmp_path / "two" / "S1.pkl", dalia_contents(1))
    with pytest.raises(InputError, match=r"S1\.pkl is there twice"):
        list(dalia.load(tmp_path))


class _RunsACommand:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_in_a_pickle_is_run(tmp_path: Path, protocol: int) -> None:
    marker, path = tmp_path / "was_run", tmp_path / "S1.pkl"
    path.write_bytes(pickle.dumps({"signal": _RunsACommand(marker)}, protocol=protocol))
    with pytest.raises(InputError, match=r"asks for (posix|nt)\.system") as caught:
        list(dalia.load(tmp_path))
    assert "nothing of it was run" in caught.value.hint
    assert not marker.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("builtins", "eval"),
        ("builtins", "getattr"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.testing._private.utils", "runstring"),
        ("_codecs", "lookup"),
        ("copyreg", "_reconstructor"),
    ],
)
def test_names_beyond_arrays_are_refused(tmp_path: Path, module: str, name: str) -> None:
    path = tmp_path / "S1.pkl"
    path.write_bytes(b"\x80\x02c" + f"{module}\n{name}\n".encode() + b".")
    with pytest.raises(InputError, match=re.escape(f"asks for {module}.{name}")):
        load_pickle(path, "hint")


def test_damaged_pickles_end_in_a_clean_error(tmp_path: Path) -> None:
    path = tmp_path / "S1.pkl"
    whole = write_wristband_pickle(path, dalia_contents(1, seconds=8)).read_bytes()
    rng = np.random.default_rng(1)
    for cut in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError):
            list(dalia.load(tmp_path))
    for _ in range(50):
        broken = bytearray(whole)
        for place in rng.integers(0, 600, 3):
            broken[place] = rng.integers(0, 256)
        path.write_bytes(broken)
        # Some flips change only a number; whatever else happens must be the one kind of error.
        with contextlib.suppress(InputError):
            list(dalia.load(tmp_path))
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(InputError, match="holds a list, not a dictionary"):
        list(dalia.load(tmp_path))


def test_an_array_as_python_2_pickled_it(tmp_path: Path) -> None:
    """Written opcode by opcode: Python 2 stores the array's bytes as a text that is read as latin1."""
    values = np.array([1.5, -2.0, 1e300])
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01bt R".replace(b" ", b"")
        + b"(K\x01K\x03\x85cnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        + b"\x89T"
        + (24).to_bytes(4, "little")
        + values.astype("<f8").tobytes()
        + b"tb"
    )
    path = tmp_path / "S1.pkl"
    path.write_bytes(b"\x80\x02}U\x05label" + array + b"s.")
    np.testing.assert_array_equal(load_pickle(path, "hint")["label"], values)


def test_wesad_derives_the_heart_rate_from_the_ecg(tmp_path: Path) -> None:
    ecg = ecg_signal(beat_times(84.0, 40.0), 40.0, 700)
    write_wristband_pickle(tmp_path / "S2" / "S2.pkl", wesad_contents(2, ecg, 40))
    (recording,) = wesad.load(tmp_path)
    assert (recording.subject, recording.hr_origin) == ("wesad_02", HrOrigin.DERIVED)
    assert recording.hr.size == 17
    np.testing.assert_allclose(recording.hr[1:-1], 84.0, atol=0.5)
    np.testing.assert_allclose(recording.acceleration, wrist(40, 32), atol=0.5 / 64.0)


def test_the_two_wristband_sets_are_not_confused(tmp_path: Path) -> None:
    write_wristband_pickle(tmp_path / "S2.pkl", dalia_contents(2))
    with pytest.raises(InputError, match="is of PPG-DaLiA, not WESAD"):
        list(wesad.load(tmp_path))


def test_wesad_without_a_usable_ecg_is_refused(tmp_path: Path) -> None:
    write_wristband_pickle(tmp_path / "S2.pkl", wesad_contents(2, np.zeros(28000), 40))
    with pytest.raises(InputError, match="ECG is constant"):
        list(wesad.load(tmp_path))
    noise = np.random.default_rng(3).standard_normal(28000)
    write_wristband_pickle(tmp_path / "S2.pkl", wesad_contents(2, noise, 40))
    with pytest.raises(InputError, match="no reference heart rate"):
        list(wesad.load(tmp_path))
