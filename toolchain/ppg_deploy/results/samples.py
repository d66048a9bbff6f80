"""samples.npz: what was measured window by window, so that every figure of result.json can be computed again."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError
from ppg_deploy.graph.quantized_reference import Codes

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ANSWERS = ("y_int8", "y_int16")
_COUNTED = ("counted", "instructions", "cycles_estimated")
_NONE = np.empty(0)


@dataclass(frozen=True)
class Samples:
    """Per window (N of them) unless said otherwise; None where it was not measured or is not known.

    Attributes:
        y: (N, output elements), as the device answered; `y_int8` or `y_int16` in the file.
        expected: (N, output elements), of the golden reference.
        y_sliding: answers of the sliding windows.
        answered: which windows have an answer; None: all. The others' rows of `y` and of the ticks hold 0.
        ticks: of the device's counter.
        timer_ticks: of the second counter.
        counted: (K,) rows of the windows whose instructions were counted one by one.
        instructions: (K,) exact counts.
        cycles_estimated: (K,) estimates of the timing model.
        bpm: decoded heart rate of the device's answers.
        bpm_filtered: after the card's post-filter.
        hr: reference heart rate, BPM.
        subject: whose window it is.
        start_s: start of the window within its recording, seconds.
    """

    y: Codes
    expected: Codes
    y_sliding: Codes | None = None
    answered: NDArray[np.bool_] | None = None
    ticks: Integers | None = None
    timer_ticks: Integers | None = None
    counted: Integers | None = None
    instructions: Integers | None = None
    cycles_estimated: Integers | None = None
    bpm: Floats | None = None
    bpm_filtered: Floats | None = None
    hr: Floats | None = None
    subject: NDArray[np.str_] | None = None
    start_s: Floats | None = None

    def __len__(self) -> int:
        return len(self.y)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Contents of the file."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "y"}
        return {f"y_{self.y.dtype}": self.y} | {
            name: array for name, array in named.items() if array is not None
        }


def read_samples(path: Path) -> Samples:
    """Read samples.npz.

    Raises:
        InputError: it cannot be read, or arrays are missing, unknown or of the wrong length.
    """
    hint = "bench again; docs/results.md says what the file holds"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        # TypeError: a lone array (.npy) under this name.
        raise InputError(f"{path} cannot be read as .npz: {error}", hint=hint) from error
    answers = [arrays.pop(name) for name in _ANSWERS if name in arrays]
    if len(answers) != 1 or "expected" not in arrays:
        raise InputError(f"{path} lacks y_int8 (or y_int16) or expected", hint=hint)
    known = {field.name for field in fields(Samples)} - {"y"}
    for name, array in arrays.items():
        if name not in known:
            raise InputError(f"{path} holds an unknown array {name}", hint=hint)
        rows = _rows(arrays.get("counted", _NONE) if name in _COUNTED else answers[0])
        if _rows(array) != rows:
            raise InputError(f"{path}: array {name} has {_rows(array)} rows, expected {rows}", hint=hint)
    return Samples(y=answers[0], **arrays)


def _rows(array: NDArray[Any]) -> int:
    """Length; 0 of a lone number."""
    return len(array) if array.ndim else 0
