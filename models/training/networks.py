"""One registered network on one split: its card, its examples, its training."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.losses.answers import Answers
from models.losses.combination import Combination
from models.losses.settings import LossSettings
from models.students.registry import STUDENTS, Student
from models.training.cards import PpgNormalisation, as_network_input, card_from_windows, normalised
from models.training.loop import Examples, Fitted, Report, answers_of, fit, set_seed
from models.training.settings import FitSettings
from models.training.split import SubjectSplit
from models.training.tapped import TappedNetwork, last_dense, scale_output, set_dropout, usual_layout
from ppg_deploy.card import StudentCard
from ppg_deploy.decode import decode_bpm
from ppg_deploy.errors import InputError

# Output of the last convolutions, in front of the head.
_FEATURE_LAYERS = {
    "pulse": "block3",
    "pulse-teacher": "blocks",
    "pulse-teacher-without-attention": "blocks",
    **{name: "tail_norm" for name in STUDENTS if name.startswith("resnet")},
}


@dataclass(frozen=True)
class Task:
    """A registered network with the windows of a split as it takes them.

    Attributes:
        name: in the registry.
        student: the registry's entry.
        card: normalisation from the training windows, and how to decode.
        train: normalised training windows.
        validation: normalised validation windows.
    """

    name: str
    student: Student
    card: StudentCard
    train: Examples
    validation: Examples

    def validation_error(self, output: Tensor) -> float:
        """Mean absolute error in BPM of a network's outputs for the validation windows."""
        bpm = decode_bpm(self.card.output, output.numpy())
        return float(np.abs(bpm - self.validation.hr).mean())


def registered(name: str) -> Student:
    """The registry's entry.

    Raises:
        InputError: no network of that name.
    """
    if name not in STUDENTS:
        raise InputError(f"no network is called {name!r}", hint=f"choose from {', '.join(STUDENTS)}")
    return STUDENTS[name]


def task(name: str, split: SubjectSplit, *, card_name: str, ppg: PpgNormalisation) -> Task:
    """Prepare a registered network for a split.

    Raises:
        InputError: unknown network, or the windows lack the channels it takes.
    """
    student = registered(name)
    train, validation = (
        as_network_input(part.x, student.input_shape) for part in (split.train, split.validation)
    )
    card = card_from_windows(card_name, train, classes=student.outputs > 1, ppg=ppg)
    return Task(
        name,
        student,
        card,
        Examples(normalised(train, card), split.train.hr),
        Examples(normalised(validation, card), split.validation.hr),
    )


def feature_layer(name: str, chosen: str | None) -> str:
    """The layer that feature distillation looks at.

    Raises:
        InputError: none is chosen and the network has no usual one.
    """
    layer = chosen or _FEATURE_LAYERS.get(name)
    if layer is None:
        raise InputError(
            f"table loss.feature: no usual feature layer is known for {name}",
            hint="name one with student_layer or teacher_layer",
        )
    return layer


def probe(name: str, features: str | None) -> Answers:
    """Answers of an untrained network for two empty windows: their shapes tell which losses fit.

    Raises:
        InputError: no network, or no layer, of that name.
    """
    student = registered(name)
    return answers_of(
        TappedNetwork(student.build(), features), np.zeros((2, *student.input_shape), np.float32)
    )


def train_network(
    job: Task,
    losses: LossSettings,
    teacher: Answers | None,
    settings: FitSettings,
    *,
    features: str | None,
    checkpoint: Path,
    key: str,
    report: Report,
) -> tuple[nn.Module, Fitted]:
    """A network trained from fresh weights, in evaluation mode, answering with logits or in BPM.

    Args:
        job: network and windows.
        losses: what it learns from.
        teacher: answers for the training windows.
        settings: how long, how fast, which seed.
        features: its layer for feature distillation.
        checkpoint: see `fit`.
        key: see `fit`.
        report: gets one line an epoch.

    Raises:
        InputError: the losses do not fit the networks, or the training diverged.
    """
    set_seed(settings.seed, torch.device("cpu"))
    network = job.student.build()
    if settings.dropout is not None:
        set_dropout(network, settings.dropout)
    mean_bpm, std_bpm = 0.0, 1.0
    if job.student.outputs == 1 and last_dense(network).out_features == 1:
        mean_bpm, std_bpm = float(job.train.hr.mean()), max(float(job.train.hr.std()), 1.0)
    tapped = TappedNetwork(network, features, mean_bpm=mean_bpm, std_bpm=std_bpm)
    loss = Combination(losses, answers_of(tapped, job.train.x[:2]), teacher)
    fitted = fit(
        tapped,
        loss,
        job.train,
        teacher,
        job.validation_error,
        job.validation.x,
        settings,
        checkpoint=checkpoint,
        key=key,
        report=report,
    )
    scale_output(network, mean_bpm, std_bpm)
    return usual_layout(network), fitted


def prefixed(report: Callable[[str], None], prefix: str) -> Report:
    """A report whose lines begin with `prefix`."""
    return lambda line: report(f"{prefix}: {line}")
