"""WildPPG: WildPPG_Part_*.mat, one file a participant. The heart rate is derived from the ECG at the sternum."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data.ecg import heart_rates
from models.data.finding import Wanted, every_subject, matching_files
from models.data.gravity import STANDARD_GRAVITY_M_S2, to_g_by_gravity
from models.data.matlab import field, load_matlab
from models.data.recording import STRIDE_S, WINDOW_S, HrOrigin, RawRecording, Units, window_count
from ppg_deploy.errors import InputError

DATASET = "wildppg"
HINT = (
    "download the participants' files WildPPG_Part_*.mat from siplab.org/projects/WildPPG and name their folder; the "
    "single WildPPG.mat (Hugging Face) holds filtered windows without acceleration and cannot be used"
)

_FILES = re.compile(r"WildPPG_Part_([A-Za-z0-9]+)\.mat")
_RATE_HZ = 128
_AXES = ("acc_x", "acc_y", "acc_z")
_ACCELERATION_UNITS = {"g": 1.0, "m/s^2": STANDARD_GRAVITY_M_S2, "mg": 1000.0}
# Interruptions of the wrist's recording in samples, as the authors' own evaluation leaves them out
# (eth-siplab/WildPPG, src/heuristic_baselines/ppg_beats_analyzer.py).
_INTERRUPTIONS = {"l38": (4337572, 4545543), "k2s": (3786939, 4194810)}


def load(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """One recording a participant, `wildppg_an0` and so on: wrist, green PPG.

    Raises:
        InputError: a file is missing, damaged, not as published, or its ECG gives no heart rate.
    """
    for path, match in matching_files(folder, _FILES, "WildPPG_Part_*.mat", HINT).items():
        subject = f"{DATASET}_{match[1]}"
        if not wanted(subject):
            continue
        contents = load_matlab(path, ("id", "wrist", "sternum"), HINT)
        ppg = _stream(contents, "wrist", "ppg_g", path)
        axes = [_stream(contents, "wrist", axis, path) for axis in _AXES]
        ecg = _stream(contents, "sternum", "ecg", path)
        if len({axis.size for axis in axes}) != 1:
            raise InputError(f"{path}: the axes of wrist have different lengths", hint=HINT)
        acceleration, unit = to_g_by_gravity(np.stack(axes), _ACCELERATION_UNITS, str(path))
        windows = window_count(min(ppg.size, axes[0].size, ecg.size) / _RATE_HZ)
        hr = heart_rates(ecg, _RATE_HZ, windows)
        if match[1] in _INTERRUPTIONS:
            hr[_touching(windows, *_INTERRUPTIONS[match[1]])] = np.nan
        yield RawRecording(
            dataset=DATASET,
            subject=subject,
            name=path.name,
            ppg=ppg[None],
            ppg_rate_hz=_RATE_HZ,
            acceleration=acceleration,
            acceleration_rate_hz=_RATE_HZ,
            hr=hr,
            units=Units(ppg="green PPG, as published", acceleration=unit),
            hr_origin=HrOrigin.DERIVED,
        )


def _touching(windows: int, first_sample: int, last_sample: int) -> NDArray[np.bool_]:
    starts = np.arange(windows) * STRIDE_S * _RATE_HZ
    return np.asarray((starts <= last_sample) & (starts + WINDOW_S * _RATE_HZ > first_sample))


def _stream(contents: dict[str, Any], place: str, sensor: str, path: Path) -> NDArray[np.float64]:
    if place not in contents:
        raise InputError(f"{path} has no variable {place}", hint=HINT)
    where = f"{path}: {place}.{sensor}"
    struct = field(contents[place], sensor, f"{path}: {place}", HINT)
    values, rate = (np.asarray(field(struct, name, where, HINT)).reshape(-1) for name in ("v", "fs"))
    if rate.dtype.kind not in "fiu" or rate.size != 1 or float(rate[0]) != _RATE_HZ:
        raise InputError(f"{where}.fs is {rate.tolist()}, expected {_RATE_HZ} Hz", hint=HINT)
    if values.dtype.kind not in "fiu" or not values.size:
        raise InputError(f"{where}.v holds no numbers", hint=HINT)
    return values.astype(np.float64)
