"""PPG-DaLiA: S1.pkl to S15.pkl of the UCI archive."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.data.finding import Wanted, every_subject, matching_files
from models.data.gravity import to_g
from models.data.pickles import entry, load_pickle, numbers
from models.data.recording import HrOrigin, RawRecording, Units
from ppg_deploy.errors import InputError

DATASET = "dalia"
HINT = (
    "download ppg+dalia.zip from the UCI Machine Learning Repository, data set 495, unpack it and the data.zip inside, "
    "and name the folder PPG_FieldStudy with S1/S1.pkl to S15/S15.pkl"
)
UNITS = Units(ppg="Empatica E4 BVP, arbitrary unit", acceleration="g")

_FILES = re.compile(r"S(\d{1,2})\.pkl")
_PPG_HZ = 64
_ACCELERATION_HZ = 32


def load(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """One recording a subject, `dalia_01` to `dalia_15`; heart rates as published, from the chest ECG.

    Raises:
        InputError: a file is missing, damaged, or not as published.
    """
    for path, match in matching_files(folder, _FILES, "S*.pkl", HINT).items():
        subject = f"{DATASET}_{int(match[1]):02d}"
        if not wanted(subject):
            continue
        value = load_pickle(path, HINT)
        if str(value.get("subject", match[0][:-4])) != match[0][:-4]:
            raise InputError(f"{path} is of subject {value['subject']}", hint="the file was renamed: " + HINT)
        wrist = ("signal", "wrist")
        label = numbers(entry(value, ("label",), path, HINT), 1, "label", path, HINT)
        acceleration = numbers(entry(value, (*wrist, "ACC"), path, HINT), 3, "ACC", path, HINT)
        yield RawRecording(
            dataset=DATASET,
            subject=subject,
            name=path.name,
            ppg=numbers(entry(value, (*wrist, "BVP"), path, HINT), 1, "BVP", path, HINT),
            ppg_rate_hz=_PPG_HZ,
            acceleration=to_g(acceleration, 1.0, str(path)),
            acceleration_rate_hz=_ACCELERATION_HZ,
            hr=label[0].astype(np.float32),
            units=UNITS,
            hr_origin=HrOrigin.PUBLISHED,
        )
