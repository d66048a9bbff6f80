"""What every source of recordings hands on: first as published, then at one rate with four channels."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError

CHANNELS = ("PPG", "ACC_X", "ACC_Y", "ACC_Z")
WINDOW_S = 8
STRIDE_S = 2
LOWEST_REFERENCE_BPM = 20.0
HIGHEST_REFERENCE_BPM = 260.0

_MOST_UNALIGNED_S = 2.0
_MOST_SURPLUS_LABELS = 1


class HrOrigin(Enum):
    """Where the reference heart rate of a recording comes from."""

    PUBLISHED = "published with the data set"
    DERIVED = "derived here from the published ECG (models/data/ecg.py)"
    GENERATED = "known from the generator"


@dataclass(frozen=True)
class Units:
    """Unit of the PPG channel and of the three axes of acceleration."""

    ppg: str
    acceleration: str


def window_count(seconds: float) -> int:
    """How many windows of 8 s, one every 2 s, fit into a recording."""
    return max(0, int((seconds - WINDOW_S) // STRIDE_S) + 1)


def dataset_of(subject: str) -> str:
    """Data set of a subject id such as "dalia_06".

    Raises:
        InputError: the id has no data set.
    """
    dataset, separator, label = subject.rpartition("_")
    if not (dataset and separator and label):
        raise InputError(
            f"subject id {subject!r} names no data set",
            hint="a subject id is DATASET_LABEL, for example dalia_06, so that it is unique across data sets",
        )
    return dataset


def _check_identity(dataset: str, subject: str, name: str) -> None:
    if dataset_of(subject) != dataset:
        raise InputError(
            f"{name}: subject {subject!r} is not of data set {dataset!r}",
            hint="a subject id starts with the name of its data set and an underscore",
        )


def _check_heart_rate(hr: NDArray[np.float32], name: str) -> None:
    known = hr[np.isfinite(hr)]
    if hr.ndim != 1 or not known.size:
        raise InputError(f"{name}: no reference heart rate", hint="check that the label file is complete")
    if known.min() < LOWEST_REFERENCE_BPM or known.max() > HIGHEST_REFERENCE_BPM:
        raise InputError(
            f"{name}: reference heart rate from {known.min():.1f} to {known.max():.1f} BPM",
            hint=f"heart rates lie in {LOWEST_REFERENCE_BPM:.0f} to {HIGHEST_REFERENCE_BPM:.0f} BPM; "
            "the label file may hold something else",
        )


@dataclass(frozen=True)
class RawRecording:
    """One recording as published, with each stream at its own rate.

    Attributes:
        dataset: short name of the data set.
        subject: id of the wearer, unique across data sets: DATASET_LABEL.
        name: file or folder it was read from.
        ppg: (C, T) float64, C simultaneous PPG channels.
        ppg_rate_hz: samples a second of `ppg`.
        acceleration: (3, T) float64 along x, y and z.
        acceleration_rate_hz: samples a second of `acceleration`.
        hr: (K,) float32 reference heart rate in BPM. hr[k] belongs to the 8 s that start at 2 k seconds; NaN
            where there is no reference or no signal.
        units: units of the two streams.
        hr_origin: where `hr` comes from.

    Raises:
        InputError: shapes, lengths or values that no recording can have.
    """

    dataset: str
    subject: str
    name: str
    ppg: NDArray[np.float64]
    ppg_rate_hz: int
    acceleration: NDArray[np.float64]
    acceleration_rate_hz: int
    hr: NDArray[np.float32]
    units: Units
    hr_origin: HrOrigin

    def __post_init__(self) -> None:
        _check_identity(self.dataset, self.subject, self.name)
        _check_heart_rate(self.hr, self.name)
        for stream, rows, values in (("PPG", None, self.ppg), ("acceleration", 3, self.acceleration)):
            if values.ndim != 2 or 0 in values.shape or (rows is not None and values.shape[0] != rows):
                raise InputError(
                    f"{self.name}: {stream} has shape {values.shape}",
                    hint="expected (channels, samples); the file is not as published",
                )
            if not np.isfinite(values).all():
                raise InputError(
                    f"{self.name}: {stream} has NaN or infinity", hint="the file is damaged: download it anew"
                )
        self._check_lengths()

    def _check_lengths(self) -> None:
        ppg_s = self.ppg.shape[1] / self.ppg_rate_hz
        acceleration_s = self.acceleration.shape[1] / self.acceleration_rate_hz
        if abs(ppg_s - acceleration_s) > _MOST_UNALIGNED_S:
            raise InputError(
                f"{self.name}: {ppg_s:.1f} s of PPG but {acceleration_s:.1f} s of acceleration",
                hint="a stream is cut off, or its sampling rate is not the published one",
            )
        fitting = window_count(min(ppg_s, acceleration_s))
        if fitting == 0:
            raise InputError(f"{self.name}: shorter than one window of 8 s", hint="the file is cut off")
        if self.hr.size > fitting + _MOST_SURPLUS_LABELS:
            raise InputError(
                f"{self.name}: {self.hr.size} heart rates for {fitting} windows of 8 s every 2 s",
                hint="the signal is cut off, or its sampling rate is not the published one",
            )


@dataclass(frozen=True)
class Recording:
    """One recording at one rate, as models take it.

    Attributes:
        dataset: short name of the data set.
        subject: id of the wearer, unique across data sets: DATASET_LABEL.
        name: file or folder it was read from.
        signal: (4, T) float32: PPG, then acceleration along x, y and z; in `units`.
        rate_hz: samples a second.
        hr: (K,) float32 reference heart rate in BPM. hr[k] belongs to the samples
            [2 k rate, 2 k rate + 8 rate); NaN where there is none. K windows fit into the signal.
        units: units of the signal.
        hr_origin: where `hr` comes from.
        steps: what was done to the published signal, in order.

    Raises:
        InputError: shapes or values that no recording can have.
    """

    dataset: str
    subject: str
    name: str
    signal: NDArray[np.float32]
    rate_hz: int
    hr: NDArray[np.float32]
    units: Units
    hr_origin: HrOrigin
    steps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_identity(self.dataset, self.subject, self.name)
        _check_heart_rate(self.hr, self.name)
        if self.signal.ndim != 2 or self.signal.shape[0] != len(CHANNELS):
            raise InputError(
                f"{self.name}: signal has shape {self.signal.shape}", hint="expected (4, samples)"
            )
        if self.hr.size > window_count(self.signal.shape[1] / self.rate_hz):
            raise InputError(
                f"{self.name}: more heart rates than windows of 8 s every 2 s",
                hint="cut the heart rates to the length of the signal",
            )
