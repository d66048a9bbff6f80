"""The development recordings of ../shared/data, which are never part of this project: a folder that the user names."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.data import bami, dalia, ieee
from models.data.finding import Wanted, every_subject
from models.data.recording import HrOrigin, RawRecording, Units
from ppg_deploy.errors import InputError

HINT = "name the folder that holds wrist_ppg_32hz.npz and dalia_s6_stairs.npz (shared/data)"

_RATE_HZ = 32
_WINDOW_SAMPLES = 256
_STRIDE_SAMPLES = 64
_RECORDINGS = "wrist_ppg_32hz.npz"
_STAIRS = "dalia_s6_stairs.npz"
_PPG_UNITS = {ieee.DATASET: ieee.UNITS.ppg, bami.BAMI1: bami.UNITS.ppg, bami.BAMI2: bami.UNITS.ppg}


def load(
    folder: Path, wanted: Wanted = every_subject, *, part: str | None = None, in_g: bool = True
) -> Iterator[RawRecording]:
    """57 recordings of 54 subjects of IEEE SPC 2015, BAMI-1 and BAMI-2, with the ids of these sources.

    Args:
        folder: holds wrist_ppg_32hz.npz.
        wanted: which subjects.
        part: "train" or "val" of that file, or None for both.
        in_g: scale the acceleration to g; False keeps the stored unit, in which the shared students were trained.

    Raises:
        InputError: the file is missing, damaged, or not as described in its README.
    """
    path = folder / _RECORDINGS
    with _open(path) as archive:
        index = {
            key: _array(archive, key, path)
            for key in ("subject", "dataset", "recording", "split", "scale", "offset", "acc_g_per_unit")
        }
        for number, subject in enumerate(index["subject"]):
            if not wanted(str(subject)) or part not in (None, str(index["split"][number])):
                continue
            codes = _array(archive, f"sig_{number:03d}", path).astype(np.float32)
            signal = codes * index["scale"][number][:, None] + index["offset"][number][:, None]
            dataset = str(index["dataset"][number])
            scale_to_g = float(index["acc_g_per_unit"][number]) if in_g else 1.0
            yield RawRecording(
                dataset=dataset,
                subject=str(subject),
                name=str(index["recording"][number]),
                ppg=signal[:1].astype(np.float64),
                ppg_rate_hz=_RATE_HZ,
                acceleration=signal[1:].astype(np.float64) * scale_to_g,
                acceleration_rate_hz=_RATE_HZ,
                hr=_array(archive, f"hr_{number:03d}", path).astype(np.float32),
                units=Units(_PPG_UNITS.get(dataset, "as stored"), "g" if in_g else "as stored"),
                hr_origin=HrOrigin.PUBLISHED,
            )


def load_stairs(folder: Path, wanted: Wanted = every_subject) -> Iterator[RawRecording]:
    """The fragment of PPG-DaLiA's subject S6 on stairs, `dalia_06`, joined from its overlapping windows, raw units.

    Raises:
        InputError: the file is missing, damaged, or not as described in its README.
    """
    subject = f"{dalia.DATASET}_06"
    if not wanted(subject):
        return
    path = folder / _STAIRS
    with _open(path) as archive:
        x, hr, mean, std = (_array(archive, key, path) for key in ("x", "hr", "mean", "std"))
    if x.ndim != 3 or x.shape[1:] != (4, _WINDOW_SAMPLES):
        raise InputError(f"{path}: x has shape {x.shape}, expected (windows, 4, 256)", hint=HINT)
    joined = np.concatenate([x[0], *(window[:, -_STRIDE_SAMPLES:] for window in x[1:])], axis=1)
    signal = joined.astype(np.float64) * std[:, None] + mean[:, None]
    yield RawRecording(
        dataset=dalia.DATASET,
        subject=subject,
        name=_STAIRS,
        ppg=signal[:1],
        ppg_rate_hz=_RATE_HZ,
        acceleration=signal[1:],
        acceleration_rate_hz=_RATE_HZ,
        hr=hr.astype(np.float32),
        units=dalia.UNITS,
        hr_origin=HrOrigin.PUBLISHED,
    )


def _open(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=HINT)
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as .npz: {error}", hint=HINT) from error


def _array(archive: Any, key: str, path: Path) -> NDArray[Any]:
    try:
        return np.asarray(archive[key])
    except KeyError as error:
        raise InputError(f"{path} has no array {key}", hint=HINT) from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: array {key} cannot be read: {error}", hint=HINT) from error
