"""Weights and answers of trained teachers in files named by everything they depend on."""

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from models.losses.answers import Answers
from ppg_deploy.files import write_bytes, write_npz


def cache_key(*parts: Any) -> str:
    """A short name for settings and hashes (anything that JSON can write)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def weights_hash(network: nn.Module) -> str:
    """Hexadecimal SHA-256 of all weights in order."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_answers(path: Path, answers: Answers) -> None:
    """Write answers as an .npz.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    arrays = {"output": answers.output.numpy(), "hidden": answers.hidden.numpy()}
    if answers.features is not None:
        arrays["features"] = answers.features.numpy()
    write_npz(path, arrays)


def load_answers(path: Path) -> Answers | None:
    """Answers written by `save_answers`; None when there are none or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: torch.from_numpy(archive[name]) for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return Answers(arrays["output"], arrays["hidden"], arrays.get("features"))


def save_weights(path: Path, network: nn.Module, facts: dict[str, Any]) -> None:
    """Write a network's weights with facts about their training.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save({"weights": network.state_dict(), "facts": facts}, buffer)
    write_bytes(path, buffer.getvalue())


def load_weights(path: Path, network: nn.Module) -> dict[str, Any] | None:
    """Put saved weights into the network and return the facts; None when there is no file or it is damaged."""
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    network.load_state_dict(content["weights"])
    facts: dict[str, Any] = content["facts"]
    return facts
