"""Windows for training, validation and test, of different people."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.synth import WindowSet
from models.training.loop import array_hash
from ppg_deploy.errors import InputError
from ppg_deploy.windows import Windows, load_windows


@dataclass(frozen=True)
class SubjectSplit:
    """Raw windows in sensor units, (N, 1, C, T) or (N, C, T) of 8 s each.

    Attributes:
        train: weights are fitted to these.
        validation: decide when to stop, the teacher's temperature and which int8 epoch is kept.
        test: only measured on.
        cautions: why two parts may share a person under two names all the same.

    Raises:
        InputError: a subject is in two of them, or one is empty.
    """

    train: WindowSet
    validation: WindowSet
    test: WindowSet
    cautions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = {name: getattr(self, name) for name in ("train", "validation", "test")}
        names = {name: set(np.unique(part.subject).tolist()) for name, part in parts.items()}
        for name, part in parts.items():
            if part.hr.size == 0:
                raise InputError(f"the {name} windows are none", hint="give each part subjects of its own")
        for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
            shared = sorted(names[first] & names[second])
            if shared:
                raise InputError(
                    f"{first} and {second} share subjects: {', '.join(shared[:5])}",
                    hint="split by subjects: windows of one person in both make every error look too small",
                )

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of windows and labels of each part."""
        return {
            name: array_hash(part.x, part.hr, part.subject)
            for name, part in (("train", self.train), ("validation", self.validation), ("test", self.test))
        }


def window_set_of_file(path: Path) -> WindowSet:
    """A windows file (docs/windows.md) with labels and subjects.

    Without `start_s` a subject's windows count as one recording with a stride of 2 s.

    Raises:
        InputError: the file cannot be read, or has no hr or no subject.
    """
    windows = load_windows(path)
    if windows.hr is None or windows.subject is None:
        raise InputError(f"{path} has no hr or no subject", hint="training needs both; see docs/windows.md")
    start_s = windows.start_s
    if start_s is None:
        start_s = np.zeros(len(windows), np.float32)
        for subject in np.unique(windows.subject):
            rows = np.flatnonzero(windows.subject == subject)
            start_s[rows] = 2.0 * np.arange(len(rows))
    return WindowSet(windows.x, windows.hr, windows.subject, start_s)


def as_windows(part: WindowSet, x: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Windows:
    """The windows of `part` with signals `x` in a network's shape, as `ppg_deploy` handles them."""
    return Windows(Path("windows in memory"), x, part.hr, part.subject, part.start_s)
