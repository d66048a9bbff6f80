"""Windows files: raw sensor windows with optional reference heart rate, and what the card does to them."""

import itertools
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.card import FixedChannel, StudentCard, WindowChannel
from ppg_deploy.errors import InputError

Floats = NDArray[np.float32]

_FORMAT_HINT = (
    "a windows file is an .npz with x float32 (N, *model input shape without batch); see docs/windows.md"
)
_STRIDE_TOLERANCE_S = 0.05


@dataclass(frozen=True)
class Windows:
    """Contents of a windows file.

    Attributes:
        path: where it came from.
        x: float32 (N, *model input shape without batch), raw sensor units.
        hr: reference heart rate in BPM, float32 (N,), or None.
        subject: subject of each window, text (N,), or None.
        start_s: start of each window within its recording in seconds, float32 (N,), or None.
    """

    path: Path
    x: Floats
    hr: Floats | None
    subject: NDArray[np.str_] | None
    start_s: Floats | None

    def __len__(self) -> int:
        return len(self.x)

    def select(self, rows: NDArray[np.intp]) -> "Windows":
        """The windows of the given rows, in that order."""
        return Windows(
            self.path,
            self.x[rows],
            None if self.hr is None else self.hr[rows],
            None if self.subject is None else self.subject[rows],
            None if self.start_s is None else self.start_s[rows],
        )

    def recordings(self, stride_s: float) -> list[slice]:
        """Runs of windows that follow each other by one stride within one subject.

        Without `start_s` the windows of one subject count as one recording, in file order.
        """
        breaks = np.zeros(len(self), bool)
        if self.subject is not None:
            breaks[1:] |= self.subject[1:] != self.subject[:-1]
        if self.start_s is not None:
            breaks[1:] |= np.abs(np.diff(self.start_s) - stride_s) > _STRIDE_TOLERANCE_S
        starts = [0, *np.flatnonzero(breaks).tolist(), len(self)]
        return [slice(first, last) for first, last in itertools.pairwise(starts) if last > first]


def load_windows(path: Path) -> Windows:
    """Read and check a windows file.

    Raises:
        InputError: no such file, not an .npz, a missing or misshapen array, NaN or infinity.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=_FORMAT_HINT)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("x", "hr", "subject", "start_s") if name in archive}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise InputError(f"{path} cannot be read as .npz: {error}", hint=_FORMAT_HINT) from error
    if "x" not in arrays:
        raise InputError(f"{path} has no array x", hint=_FORMAT_HINT)
    x = _numbers(arrays["x"], "x", path)
    if x.ndim < 2 or len(x) == 0:
        raise InputError(f"{path}: array x has shape {x.shape}, without any windows", hint=_FORMAT_HINT)
    subject = arrays.get("subject")
    return Windows(
        path=path,
        x=x,
        hr=_per_window(arrays, "hr", x, path),
        subject=None if subject is None else _matching(subject.astype(np.str_), "subject", x, path),
        start_s=_per_window(arrays, "start_s", x, path),
    )


def _numbers(array: NDArray[np.generic], name: str, path: Path) -> Floats:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: array {name} holds {array.dtype}, not numbers", hint=_FORMAT_HINT)
    values = array.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        first = int(np.flatnonzero(~finite.reshape(len(values), -1).all(axis=1))[0])
        raise InputError(
            f"{path}: array {name} has NaN or infinity, first in window {first}",
            hint="drop those windows or fill the gaps before saving",
        )
    return values


def _matching(array: NDArray[np.str_], name: str, x: Floats, path: Path) -> NDArray[np.str_]:
    if array.shape != (len(x),):
        raise InputError(
            f"{path}: array {name} has shape {array.shape}, expected ({len(x)},)", hint=_FORMAT_HINT
        )
    return array


def _per_window(arrays: dict[str, NDArray[np.generic]], name: str, x: Floats, path: Path) -> Floats | None:
    if name not in arrays:
        return None
    values = _numbers(arrays[name], name, path)
    if values.shape != (len(x),):
        raise InputError(
            f"{path}: array {name} has shape {values.shape}, expected ({len(x)},)", hint=_FORMAT_HINT
        )
    return values


def check_shape(windows: Windows, shape: tuple[int, ...]) -> None:
    """Raise InputError unless each window has the model's input shape (without batch)."""
    if windows.x.shape[1:] != shape:
        raise InputError(
            f"{windows.path}: windows have shape {windows.x.shape[1:]}, the model takes {shape}",
            hint="save x in the shape of the ONNX model's input without its batch axis",
        )


def normalise(windows: Windows, card: StudentCard | None) -> Floats:
    """The windows as the float model takes them; unchanged without a card.

    The last axis is time and the axis before it the channels; a one-channel model may leave the latter out.

    Raises:
        InputError: the card's channels or samples do not match the windows.
    """
    if card is None:
        return windows.x
    channels = card.input.channel
    samples = card.input.samples
    per_window = int(np.prod(windows.x.shape[1:]))
    if windows.x.shape[-1] != samples or per_window != len(channels) * samples:
        raise InputError(
            f"{windows.path}: windows have shape {windows.x.shape[1:]}, but the card says "
            f"{len(channels)} channels of {samples} samples",
            hint="check input.channel, input.sample_rate_hz and input.window_s of the card",
        )
    signals = windows.x.reshape(len(windows), len(channels), samples).astype(np.float64)
    for index, channel in enumerate(channels):
        signal = signals[:, index]
        if isinstance(channel, FixedChannel):
            signals[:, index] = (signal - channel.mean) / channel.std
        elif isinstance(channel, WindowChannel):
            centred = signal - signal.mean(axis=1, keepdims=True)
            signals[:, index] = centred / (signal.std(axis=1, keepdims=True) + channel.epsilon)
    return signals.reshape(windows.x.shape).astype(np.float32)
