"""Where a training stands after an epoch, kept in a file so that it can go on after an interruption."""

import io
import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ppg_deploy.files import write_bytes


@dataclass
class Progress:
    """State of a training between two epochs.

    Attributes:
        epoch: epochs done.
        best_epoch: the one with the lowest validation error; 0 before the first.
        best_mae: that error in BPM.
        best_weights: state of the network then.
        history: one (training loss, validation MAE) an epoch.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_mae: float = float("inf")
    best_weights: dict[str, Any] = field(default_factory=dict)
    history: list[tuple[float, float]] = field(default_factory=list)


def save_checkpoint(path: Path, key: str, progress: Progress, parts: dict[str, Any]) -> None:
    """Write progress and the states of `parts` (module, loss, optimiser, ...); `key` names settings and data.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    content = {
        "key": key,
        "progress": asdict(progress),
        "parts": {name: part.state_dict() for name, part in parts.items()},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, key: str, parts: dict[str, Any]) -> Progress:
    """Put `parts` into their saved states; a fresh start when there is no file, or one of another `key`.

    A file that cannot be read counts as none: it costs a repetition, never a wrong result.
    """
    if not path.is_file():
        return Progress()
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return Progress()
    if content.get("key") != key:
        return Progress()
    for name, part in parts.items():
        part.load_state_dict(content["parts"][name])
    return Progress(**content["progress"])
