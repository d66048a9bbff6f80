"""WESAD: S2.pkl to S17.pkl of the published archive. Its labels are study conditions; the heart rate is derived."""

import re
from collections.abc import Iterator
from pathlib import Path

from models.data.ecg import heart_rates
from models.data.finding import Wanted, every_subject, matching_files
from models.data.gravity import to_g
from models.data.pickles import entry, load_pickle, numbers
from models.data.recording import HrOrigin, RawRecording, Units, window_count
from ppg_deploy.errors import InputError

DATASET = "wesad"
HINT = (
    "download WESAD.zip (UCI Machine Learning Repository, data set 465, or the authors' page at the University of "
    "Siegen), unpack it, and name the folder WESAD with S2/S2.pkl to S17/S17.pkl"
)
UNITS = Units(ppg="Empatica E4 BVP, arbitrary unit", acceleration="g")

_FILES = re.compile(r"S(\d{1,2})\.pkl")
_PPG_HZ = 64
_ACCELERATION_HZ = 32
_ECG_HZ = 700
# Empatica's info.txt: range -2 to 2 g, unit 1/64 g.
_ACCELERATION_STEPS_PER_G = 64.0


def load(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """One recording a subject, `wesad_02` to `wesad_17`; heart rates derived from the chest ECG.

    Raises:
        InputError: a file is missing, damaged, not as published, or its ECG gives no heart rate.
    """
    for path, match in matching_files(folder, _FILES, "S*.pkl", HINT).items():
        subject = f"{DATASET}_{int(match[1]):02d}"
        if not wanted(subject):
            continue
        value = load_pickle(path, HINT)
        if "rpeaks" in value:
            raise InputError(f"{path} is of PPG-DaLiA, not WESAD", hint="use the source dalia for it")
        wrist = ("signal", "wrist")
        ppg = numbers(entry(value, (*wrist, "BVP"), path, HINT), 1, "BVP", path, HINT)
        acceleration = numbers(entry(value, (*wrist, "ACC"), path, HINT), 3, "ACC", path, HINT)
        ecg = numbers(entry(value, ("signal", "chest", "ECG"), path, HINT), 1, "ECG", path, HINT)
        seconds = min(
            ppg.shape[1] / _PPG_HZ, acceleration.shape[1] / _ACCELERATION_HZ, ecg.shape[1] / _ECG_HZ
        )
        yield RawRecording(
            dataset=DATASET,
            subject=subject,
            name=path.name,
            ppg=ppg,
            ppg_rate_hz=_PPG_HZ,
            acceleration=to_g(acceleration, _ACCELERATION_STEPS_PER_G, str(path)),
            acceleration_rate_hz=_ACCELERATION_HZ,
            hr=heart_rates(ecg[0], _ECG_HZ, window_count(seconds)),
            units=UNITS,
            hr_origin=HrOrigin.DERIVED,
        )
