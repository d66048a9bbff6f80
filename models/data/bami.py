"""BAMI-1 and BAMI-2 in both forms in which their laboratory publishes them.

- BAMI1_<n>.mat and BAMI2_<n>.mat: rawPPG, rawAcc and bpm_ecg, one heart rate a window.
- Subject_<n>.mat (hooseok/BAMI1): sigPPG, sigAcc, and bpmECG at the times timeECG. Whether subject n is the same
  person as in BAMI1_<n>.mat is not published, hence a data set name of its own, `bami1-original`.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.finding import Wanted, every_subject, matching_files
from models.data.gravity import to_g
from models.data.labels import window_means
from models.data.matlab import load_matlab, rows, vector
from models.data.recording import HrOrigin, RawRecording, Units, window_count
from ppg_deploy.errors import InputError

BAMI1 = "bami1"
BAMI1_ORIGINAL = "bami1-original"
BAMI2 = "bami2"
HINT = (
    "get BAMI1_*.mat and BAMI2_*.mat from github.com/HeewonChung92/CNN_LSTM_HeartRateEstimation, or Subject_*.mat of "
    "BAMI-1 from github.com/hooseok/BAMI1, and name the folder that holds them"
)
UNITS = Units(
    ppg="counts as published, unsigned",
    acceleration="g (from codes with an assumed range of +-8 g, which makes gravity 1 g)",
)

_RATE_HZ = 50
_PPG_CHANNELS = 3
# 65536 codes over 16 g; the zero is at 32768.
_CODES_PER_G = 4096.0
_ZERO_CODE = 32768.0


def load_bami1(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """BAMI1_*.mat: one recording a subject, `bami1_01` and so on; heart rates as published.

    Raises:
        InputError: a file is missing, damaged, or not as published.
    """
    return _load(folder, wanted, BAMI1, re.compile(r"BAMI1_(\d{1,2})\.mat"), "BAMI1_*.mat", _read_windowed)


def load_bami2(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """BAMI2_*.mat: one recording a subject, `bami2_01` and so on; heart rates as published.

    Raises:
        InputError: a file is missing, damaged, or not as published.
    """
    return _load(folder, wanted, BAMI2, re.compile(r"BAMI2_(\d{1,2})\.mat"), "BAMI2_*.mat", _read_windowed)


def load_bami1_original(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """Subject_*.mat: one recording a subject, `bami1-original_01` and so on.

    The heart rate of a window is the mean of the published ones with a time inside it.

    Raises:
        InputError: a file is missing, damaged, or not as published.
    """
    return _load(
        folder, wanted, BAMI1_ORIGINAL, re.compile(r"Subject_(\d{1,2})\.mat"), "Subject_*.mat", _read_timed
    )


_Read = Callable[[Path], tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]]


def _load(
    folder: Path, wanted: Wanted, dataset: str, files: re.Pattern[str], what: str, read: _Read
) -> Iterator[RawRecording]:
    for path, match in matching_files(folder, files, what, HINT).items():
        subject = f"{dataset}_{int(match[1]):02d}"
        if not wanted(subject):
            continue
        ppg, codes, hr = read(path)
        yield RawRecording(
            dataset=dataset,
            subject=subject,
            name=path.name,
            ppg=ppg,
            ppg_rate_hz=_RATE_HZ,
            acceleration=to_g(codes - _ZERO_CODE, _CODES_PER_G, str(path)),
            acceleration_rate_hz=_RATE_HZ,
            hr=hr,
            units=UNITS,
            hr_origin=HrOrigin.PUBLISHED,
        )


def _read_windowed(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    contents = load_matlab(path, ("rawPPG", "rawAcc", "bpm_ecg"), HINT)
    return (
        rows(contents, "rawPPG", _PPG_CHANNELS, path, HINT),
        rows(contents, "rawAcc", 3, path, HINT),
        vector(contents, "bpm_ecg", path, HINT).astype(np.float32),
    )


def _read_timed(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    contents = load_matlab(path, ("sigPPG", "sigAcc", "bpmECG", "timeECG"), HINT)
    ppg = rows(contents, "sigPPG", _PPG_CHANNELS, path, HINT)
    bpm, time_s = (vector(contents, name, path, HINT) for name in ("bpmECG", "timeECG"))
    if bpm.size != time_s.size:
        raise InputError(f"{path}: {bpm.size} values in bpmECG, {time_s.size} in timeECG", hint=HINT)
    hr = window_means(time_s, bpm, window_count(ppg.shape[1] / _RATE_HZ), fewest=1)
    return ppg, rows(contents, "sigAcc", 3, path, HINT), hr
