"""Training teachers, or finding them in the cache, and asking them about the training windows."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.losses.answers import Answers
from models.losses.settings import LossSettings
from models.teachers.cache import (
    cache_key,
    load_answers,
    load_weights,
    save_answers,
    save_weights,
    weights_hash,
)
from models.teachers.ensemble import ensemble_answers
from models.teachers.settings import TeacherSettings
from models.teachers.temperature import TeacherEntropy, calibrate_temperature, check_entropy
from models.training.loop import Examples, Report, answers_of
from models.training.networks import Task, feature_layer, prefixed, task, train_network
from models.training.split import SubjectSplit
from models.training.tapped import TappedNetwork


@dataclass(frozen=True)
class Member:
    """One trained network of an ensemble; `validation_mae` in BPM."""

    network: str
    seed: int
    parameters: int
    best_epoch: int
    validation_mae: float
    weights_sha256: str


@dataclass(frozen=True)
class Teacher:
    """What a student learns from.

    Attributes:
        answers: for the training windows in their order; logits already divided by the temperature.
        members: the networks.
        validation_mae: of the whole ensemble in BPM.
        entropy: certainty of a teacher that answers with bins; None for one that answers with a heart rate.
    """

    answers: Answers
    members: tuple[Member, ...]
    validation_mae: float
    entropy: TeacherEntropy | None

    def facts(self) -> dict[str, Any]:
        """For result.json."""
        return {
            "members": [asdict(member) for member in self.members],
            "validation_mae": self.validation_mae,
            "entropy": None if self.entropy is None else asdict(self.entropy),
        }


def teach(
    settings: TeacherSettings,
    split: SubjectSplit,
    *,
    wants_features: bool,
    layer: str | None,
    cache: Path,
    report: Report,
) -> Teacher:
    """Train every member that the cache does not hold and collect the answers.

    Args:
        settings: which networks.
        split: the student's split: a teacher must not have seen the student's test subjects.
        wants_features: feature distillation will need the feature map.
        layer: that layer's name; None for the network's usual one.
        cache: folder of weights and answers, named by settings and data.
        report: gets progress lines.

    Raises:
        InputError: unknown network, unsuitable windows, an ensemble of unlike members.
    """
    members, on_train, on_validation = [], [], []
    job: Task | None = None
    for name in settings.networks:
        job = task(name, split, card_name=name, ppg=settings.ppg)
        for seed in settings.seeds:
            network, member = _member(job, seed, settings, split, cache, report)
            members.append(member)
            tap = feature_layer(name, layer) if wants_features else None
            on_train.append(_answers(network, tap, job.train, member, cache))
            on_validation.append(_answers(network, None, job.validation, member, cache))
    assert job is not None
    answers, held_out = ensemble_answers(on_train), ensemble_answers(on_validation)
    error = job.validation_error(held_out.output)
    if not answers.classes:
        return Teacher(answers, tuple(members), error, None)
    hr = torch.from_numpy(split.validation.hr)
    temperature = calibrate_temperature(held_out.output, hr) if settings.calibrate_temperature else 1.0
    entropy = check_entropy(held_out.output, hr, temperature)
    for warning in entropy.warnings:
        report(f"warning: {warning}")
    cooled = Answers(answers.output / temperature, answers.hidden, answers.features)
    return Teacher(cooled, tuple(members), error, entropy)


def _member(
    job: Task, seed: int, settings: TeacherSettings, split: SubjectSplit, cache: Path, report: Report
) -> tuple[nn.Module, Member]:
    fit = settings.fit.model_copy(update={"seed": seed})
    losses = LossSettings(hard=settings.hard)
    key = cache_key(
        job.name,
        fit.model_dump(mode="json"),
        losses.model_dump(mode="json"),
        job.card.model_dump(mode="json"),
        split.hashes,
    )
    path = cache / f"{job.name}-{seed}-{key}.pt"
    label = f"teacher {job.name}, seed {seed}"
    network = job.student.build()
    facts = load_weights(path, network)
    if facts is None:
        network, fitted = train_network(
            job,
            losses,
            None,
            fit,
            features=None,
            checkpoint=path.with_suffix(".checkpoint"),
            key=key,
            report=prefixed(report, label),
        )
        facts = {"best_epoch": fitted.best_epoch, "validation_mae": fitted.validation_mae}
        save_weights(path, network, facts)
        path.with_suffix(".checkpoint").unlink(missing_ok=True)
    else:
        report(f"{label}: taken from {path}")
    network.eval()
    return network, Member(
        network=job.name,
        seed=seed,
        parameters=job.student.parameters,
        best_epoch=int(facts["best_epoch"]),
        validation_mae=float(facts["validation_mae"]),
        weights_sha256=weights_hash(network),
    )


def _answers(network: nn.Module, tap: str | None, examples: Examples, member: Member, cache: Path) -> Answers:
    path = cache / f"answers-{cache_key(member.weights_sha256, examples.sha256, tap)}.npz"
    known = load_answers(path)
    if known is not None:
        return known
    answers = answers_of(TappedNetwork(network, tap), examples.x)
    save_answers(path, answers)
    return answers
