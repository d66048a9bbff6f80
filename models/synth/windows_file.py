"""Windows of several wearers in the project's `.npz` format."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.synth.recording import generate_recording, windows
from ppg_deploy.errors import InputError
from ppg_deploy.files import write_bytes


@dataclass(frozen=True)
class WindowSet:
    """N windows with labels, in the order they were recorded.

    Attributes:
        x: (N, *input shape of the model) float32 in sensor units; (N, 1, 4, 256) from the generator.
        hr: (N,) float32 reference heart rate in BPM.
        subject: (N,) text, one name a wearer.
        start_s: (N,) float32 start of the window within its recording.
    """

    x: NDArray[np.float32]
    hr: NDArray[np.float32]
    subject: NDArray[np.str_]
    start_s: NDArray[np.float32]

    def __post_init__(self) -> None:
        counts = {self.x.shape[0], self.hr.size, self.subject.size, self.start_s.size}
        if len(counts) != 1:
            raise InputError(
                f"x, hr, subject and start_s have {sorted(counts)} entries", hint="give one entry a window"
            )

    def pick(self, indices: NDArray[np.intp]) -> "WindowSet":
        """The windows at `indices`, in that order."""
        return WindowSet(self.x[indices], self.hr[indices], self.subject[indices], self.start_s[indices])


def generate_window_set(seeds: Sequence[int], duration_s: float) -> WindowSet:
    """Windows of one recording a seed; wearer `synth_<seed>`.

    Raises:
        InputError: no seeds, or `generate_recording` refuses one of them.
    """
    if not seeds:
        raise InputError("no seeds given", hint="ask for at least one subject")
    parts = [windows(generate_recording(seed, duration_s)) for seed in seeds]
    names = [np.full(part[1].size, f"synth_{seed}") for seed, part in zip(seeds, parts, strict=True)]
    x, hr, start_s = (np.concatenate([part[column] for part in parts]) for column in range(3))
    return WindowSet(x, hr, np.concatenate(names), start_s)


def save_window_set(path: Path, window_set: WindowSet) -> None:
    """Write a windows file; the same windows give the same bytes with the same zlib.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, x=window_set.x, hr=window_set.hr, subject=window_set.subject, start_s=window_set.start_s
    )
    write_bytes(path, buffer.getvalue())
