"""IEEE Signal Processing Cup 2015: DATA_*.mat and TEST_*.mat with their files of true heart rates."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.data.finding import Wanted, every_subject, matching_files
from models.data.gravity import to_g
from models.data.matlab import load_matlab, matrix, vector
from models.data.recording import HrOrigin, RawRecording, Units
from ppg_deploy.errors import InputError

DATASET = "ieee"
HINT = (
    "unpack competition_data.zip (Training_data/DATA_01_TYPE01.mat and DATA_01_TYPE01_BPMtrace.mat and so on) and, if "
    "you have them, Extra_TrainingData.zip, TestData.zip and TrueBPM.zip of the Signal Processing Cup 2015 into one "
    "folder and name it"
)
UNITS = Units(ppg="counts as published, signed", acceleration="g")

_FILES = re.compile(r"(?:DATA_(\d{2})_TYPE\d{2}|DATA_(S\d{2})_T\d{2}|TEST_(S\d{2})_T\d{2})\.mat")
_RATE_HZ = 125
_PPG_CHANNELS = 2


def load(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """One recording a file. Subjects `ieee_tr01` to `ieee_tr12`, and `ieee_te01` to `ieee_te08`.

    A subject of the test part may have several recordings, one of them in Extra_TrainingData (S04); they share
    one id, so that no split can part them.

    Raises:
        InputError: a file is missing, damaged, or not as published.
    """
    for path, match in matching_files(folder, _FILES, "DATA_*.mat or TEST_*.mat", HINT).items():
        subject = f"{DATASET}_" + (f"tr{match[1]}" if match[1] else f"te{(match[2] or match[3])[1:]}")
        if not wanted(subject):
            continue
        label_path = _label_file(folder, _label_name(match), path)
        contents = load_matlab(path, ("sig",), HINT)
        signals = matrix(contents, "sig", path, HINT)
        # The ECG is the first row; TEST files come without it.
        ecg_rows = 0 if match[3] else 1
        if signals.shape[0] != ecg_rows + _PPG_CHANNELS + 3:
            raise InputError(
                f"{path}: sig has shape {signals.shape}, expected ({ecg_rows + _PPG_CHANNELS + 3}, samples)",
                hint=HINT,
            )
        ppg, acceleration = np.split(signals[ecg_rows:], [_PPG_CHANNELS])
        labels = load_matlab(label_path, ("BPM0",), HINT)
        yield RawRecording(
            dataset=DATASET,
            subject=subject,
            name=path.name,
            ppg=ppg,
            ppg_rate_hz=_RATE_HZ,
            acceleration=to_g(acceleration, 1.0, str(path)),
            acceleration_rate_hz=_RATE_HZ,
            hr=vector(labels, "BPM0", label_path, HINT).astype(np.float32),
            units=UNITS,
            hr_origin=HrOrigin.PUBLISHED,
        )


def _label_name(match: re.Match[str]) -> str:
    if match[1]:
        return match[0].replace(".mat", "_BPMtrace.mat")
    return match[0].replace("DATA_", "BPM_").replace("TEST_", "True_")


def _label_file(folder: Path, name: str, belongs_to: Path) -> Path:
    places = sorted(folder.rglob(name))
    if len(places) != 1:
        raise InputError(f"{belongs_to} needs {name}, which is there {len(places)} times", hint=HINT)
    return places[0]
