"""The training loop that students and teachers share: repeatable to the bit on one kind of CPU, resumable."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.losses.answers import Answers
from models.losses.combination import Combination
from models.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from models.training.schedule import learning_rate
from models.training.settings import FitSettings
from models.training.tapped import TappedNetwork
from ppg_deploy.errors import InputError

Floats = NDArray[np.float32]
Report = Callable[[str], None]
_CHUNK = 256


@dataclass(frozen=True)
class Examples:
    """Windows as a network takes them, with labels.

    Attributes:
        x: float32 (N, *input shape), normalised.
        hr: float32 (N,) in BPM.
    """

    x: Floats
    hr: Floats

    @property
    def sha256(self) -> str:
        """Names the contents."""
        return array_hash(self.x, self.hr)


@dataclass(frozen=True)
class Fitted:
    """What a training gave.

    Attributes:
        epochs: epochs that were run; less than asked for when it stopped early.
        best_epoch: the epoch whose weights are kept.
        validation_mae: their mean absolute error on the validation subjects in BPM.
        history: (training loss, validation MAE) of each epoch.
    """

    epochs: int
    best_epoch: int
    validation_mae: float
    history: tuple[tuple[float, float], ...]


def array_hash(*arrays: NDArray[Any]) -> str:
    """Hexadecimal SHA-256 of shapes, types and values."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype.str}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def chosen_device(name: str) -> torch.device:
    """The device of a settings file; the CPU with one thread, so that sums have one order."""
    if name == "cuda" or (name == "auto" and torch.cuda.is_available()):
        return torch.device("cuda")
    torch.set_num_threads(1)
    return torch.device("cpu")


def set_seed(seed: int, device: torch.device) -> None:
    """Seed torch; on the CPU also insist on repeatable kernels."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")


def answers_of(network: TappedNetwork, x: Floats) -> Answers:
    """Answers for windows (N, *input shape) in evaluation mode, on the CPU."""
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(x[start : start + _CHUNK]).to(device))
            for start in range(0, len(x), _CHUNK)
        ]
    features = [part.features for part in parts if part.features is not None]
    return Answers(
        torch.cat([part.output for part in parts]).cpu(),
        torch.cat([part.hidden for part in parts]).cpu(),
        torch.cat(features).cpu() if features else None,
    )


def fit(
    network: TappedNetwork,
    loss: Combination,
    train: Examples,
    teacher: Answers | None,
    validation_error: Callable[[Tensor], float],
    validation_x: Floats,
    settings: FitSettings,
    *,
    checkpoint: Path,
    key: str,
    report: Report,
) -> Fitted:
    """Train until the validation error stops falling; the network keeps the weights of the best epoch.

    Args:
        network: freshly initialised, on the CPU.
        loss: what is minimised; its adapters are trained, too.
        train: windows and labels.
        teacher: answers for the very same windows.
        validation_error: mean absolute error in BPM of the network's outputs on the validation windows.
        validation_x: those windows.
        settings: how long, how fast.
        checkpoint: written after each epoch; a training that was interrupted goes on from there, with the same result.
        key: names everything that the result depends on; a checkpoint with another key is ignored.
        report: gets one line an epoch.

    Raises:
        InputError: the training diverged. EnvironmentProblem: the checkpoint cannot be written.
    """
    device = chosen_device(settings.device)
    network.to(device)
    loss.to(device)
    parameters = [*network.parameters(), *loss.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    parts = {"network": network, "loss": loss, "optimiser": optimiser}
    progress = load_checkpoint(checkpoint, key, parts)
    x, hr = torch.from_numpy(train.x), torch.from_numpy(train.hr)
    while not _finished(progress, settings):
        # Everything random follows from seed and epoch, so that a checkpoint needs no generator's state.
        set_seed(settings.seed * 1_000_003 + progress.epoch, device)
        steps = _Steps(optimiser, settings, progress.epoch)
        training_loss = _epoch(network, loss, steps, x, hr, teacher, device)
        mae = validation_error(answers_of(network, validation_x).output)
        progress.epoch += 1
        if not (np.isfinite(training_loss) and np.isfinite(mae)):
            raise InputError(
                f"the training diverged in epoch {progress.epoch}: its loss is {training_loss}",
                hint="lower learning_rate, and look for NaN in the windows",
            )
        progress.history.append((training_loss, mae))
        if mae < progress.best_mae:
            progress.best_mae, progress.best_epoch = mae, progress.epoch
            progress.best_weights = {
                name: value.detach().cpu().clone() for name, value in network.state_dict().items()
            }
        save_checkpoint(checkpoint, key, progress, parts)
        report(
            f"epoch {progress.epoch:3d}/{settings.epochs}  loss {training_loss:8.4f}  "
            f"validation {mae:6.2f} BPM  best {progress.best_mae:6.2f} (epoch {progress.best_epoch})"
        )
    network.to("cpu")
    network.load_state_dict(progress.best_weights)
    network.eval()
    return Fitted(progress.epoch, progress.best_epoch, progress.best_mae, tuple(progress.history))


def _finished(progress: Progress, settings: FitSettings) -> bool:
    waited = progress.epoch - progress.best_epoch
    return progress.epoch >= settings.epochs or (progress.epoch > 0 and waited >= settings.patience)


@dataclass(frozen=True)
class _Steps:
    """The optimiser's steps of one epoch, each with the learning rate that the schedule gives it."""

    optimiser: torch.optim.Optimizer
    settings: FitSettings
    epoch: int

    def step(self, loss: Tensor, done: float) -> None:
        """One step down `loss`; `done` is the share of the epoch before it."""
        rate = learning_rate(self.settings, (self.epoch + done) / self.settings.epochs)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        self.optimiser.step()


def _epoch(
    network: TappedNetwork,
    loss: Combination,
    steps: _Steps,
    x: Tensor,
    hr: Tensor,
    teacher: Answers | None,
    device: torch.device,
) -> float:
    """One pass over the windows in random order; the mean loss."""
    network.train()
    order = torch.randperm(len(x))
    total, done = 0.0, 0
    for rows in order.split(steps.settings.batch):
        taught = None if teacher is None else moved(teacher.rows(rows), device)
        terms = loss(network(x[rows].to(device)), hr[rows].to(device), taught)
        value = torch.stack(list(terms.values())).sum()
        steps.step(value, done / len(x))
        done += len(rows)
        total += float(value.item()) * len(rows)
    return total / len(x)


def moved(answers: Answers, device: torch.device) -> Answers:
    """The same answers on a device."""
    features = None if answers.features is None else answers.features.to(device)
    return Answers(answers.output.to(device), answers.hidden.to(device), features)
