"""The weighted sum of the losses that a settings file names."""

from torch import Tensor, nn
from torch.nn import functional

from models.losses.answers import Answers
from models.losses.decoupled import decoupled_distillation
from models.losses.features import feature_adapter, feature_distillation
from models.losses.labels import (
    as_bpm,
    cross_entropy,
    label_distribution,
    most_likely_bpm,
    nearest_bin,
)
from models.losses.pulse import pulse_answers_term, pulse_distillation
from models.losses.relations import relational_distillation
from models.losses.settings import HardLoss, LossSettings, SoftLoss
from models.losses.soft import soft_distillation
from ppg_deploy.errors import InputError


class Combination(nn.Module):  # type: ignore[misc, unused-ignore]
    """A module because the adapter of feature distillation has weights that are trained with the student's.

    Args:
        settings: which losses.
        student: answers for any batch: their shapes decide what is possible.
        teacher: likewise; None without a teacher.
        answers_only: leave out whatever looks inside the networks: features, relations, PULSE's hidden term.

    Raises:
        InputError: the losses do not fit the networks.
    """

    def __init__(
        self,
        settings: LossSettings,
        student: Answers,
        teacher: Answers | None,
        *,
        answers_only: bool = False,
    ) -> None:
        super().__init__()
        _check(settings, student, teacher, answers_only)
        self.settings = settings
        self.answers_only = answers_only
        self.adapter: nn.Module | None = None
        if settings.feature is not None and not answers_only:
            assert student.features is not None and teacher is not None and teacher.features is not None
            axes = student.features.dim() - 2
            self.adapter = feature_adapter(student.features.shape[1], teacher.features.shape[1], axes)

    def forward(self, student: Answers, hr: Tensor, teacher: Answers | None) -> dict[str, Tensor]:
        """Weighted terms by name; their sum is the loss. `hr` holds labels (N,) in BPM."""
        settings = self.settings
        terms: dict[str, Tensor] = {}
        if settings.hard is not None:
            terms["hard"] = settings.hard.weight * hard_loss(student, hr, teacher, settings.hard)
        if teacher is None:
            return terms
        if settings.soft is not None:
            terms["soft"] = settings.soft.weight * _soft(student, teacher, settings.soft)
        if settings.decoupled is not None:
            terms["decoupled"] = settings.decoupled.weight * decoupled_distillation(
                student.output,
                teacher.output,
                nearest_bin(hr),
                alpha=settings.decoupled.alpha,
                beta=settings.decoupled.beta,
                temperature=settings.decoupled.temperature,
            )
        if settings.pulse is not None:
            terms["pulse"] = settings.pulse.weight * self._pulse(student, hr, teacher)
        if self.answers_only:
            return terms
        if settings.feature is not None:
            assert self.adapter is not None and student.features is not None and teacher.features is not None
            difference = feature_distillation(student.features, teacher.features, self.adapter)
            terms["feature"] = settings.feature.weight * difference
        if settings.relation is not None:
            terms["relation"] = settings.relation.weight * relational_distillation(
                student.hidden,
                teacher.hidden,
                distance_weight=settings.relation.distance_weight,
                angle_weight=settings.relation.angle_weight,
            )
        return terms

    def _pulse(self, student: Answers, hr: Tensor, teacher: Answers) -> Tensor:
        assert self.settings.pulse is not None
        b, g = self.settings.pulse.b, self.settings.pulse.g
        student_bpm, teacher_bpm, label_bpm = as_bpm(student.output), as_bpm(teacher.output), hr[:, None]
        if self.answers_only:
            return g * pulse_answers_term(student_bpm, teacher_bpm, label_bpm, b)
        return pulse_distillation(
            student_bpm, teacher_bpm, label_bpm, student.hidden, teacher.hidden, b=b, g=g
        )


def hard_loss(student: Answers, hr: Tensor, teacher: Answers | None, settings: HardLoss) -> Tensor:
    """Cross entropy in nats for logits, absolute error in BPM for a regression, which learns from labels alone.

    Source of hard distillation: Touvron et al., "Training data-efficient image transformers & distillation through
    attention" (DeiT), 2021, section 4: the teacher's argmax is a label like any other.
    """
    if not student.classes:
        return functional.l1_loss(student.output, hr[:, None])
    target = label_distribution(hr, sigma_bpm=settings.sigma_bpm, smoothing=settings.smoothing)
    if settings.labels < 1.0:
        assert teacher is not None
        taught = label_distribution(
            most_likely_bpm(teacher.output), sigma_bpm=settings.sigma_bpm, smoothing=settings.smoothing
        )
        target = settings.labels * target + (1.0 - settings.labels) * taught
    return cross_entropy(student.output, target)


def _soft(student: Answers, teacher: Answers, settings: SoftLoss) -> Tensor:
    if student.classes:
        return soft_distillation(student.output, teacher.output, settings.temperature)
    return functional.l1_loss(student.output, as_bpm(teacher.output))


def _check(settings: LossSettings, student: Answers, teacher: Answers | None, answers_only: bool) -> None:
    if teacher is None:
        if settings.needs_teacher:
            raise InputError("table loss: its losses need a teacher", hint="add a [teacher] table")
        return
    if settings.decoupled is not None and not student.classes:
        raise InputError(
            "table loss.decoupled: the student answers with one heart rate, not with bins",
            hint="use loss.soft or loss.pulse, or a residual student",
        )
    hard_distillation = settings.hard is not None and settings.hard.labels < 1.0
    if hard_distillation and not student.classes:
        raise InputError(
            "table loss.hard: labels is below 1, but the student answers with one heart rate and has no bins to learn",
            hint="a heart rate of the teacher's is the target of loss.soft and loss.pulse",
        )
    over_bins = hard_distillation or settings.decoupled is not None
    over_bins = over_bins or (settings.soft is not None and student.classes)
    if over_bins and not teacher.classes:
        raise InputError(
            "tables loss.hard, loss.soft and loss.decoupled: the teacher answers with one heart rate, the student with "
            "bins",
            hint="use a residual teacher, or loss.pulse or loss.relation",
        )
    if answers_only:
        return
    if settings.pulse is not None and student.hidden.shape[1] != teacher.hidden.shape[1]:
        raise InputError(
            f"table loss.pulse: the last dense layer of the student reads {student.hidden.shape[1]} numbers, "
            f"that of the teacher {teacher.hidden.shape[1]}",
            hint="PULSE's loss compares them one by one: take pulse and one pulse-teacher, or loss.relation",
        )
    if settings.feature is not None:
        _check_features(student, teacher)


def _check_features(student: Answers, teacher: Answers) -> None:
    if student.features is None or teacher.features is None:
        raise InputError(
            "table loss.feature: an ensemble has no one feature map", hint="distil from a single teacher"
        )
    shapes = tuple(student.features.shape[1:]), tuple(teacher.features.shape[1:])
    if len(shapes[0]) != len(shapes[1]) or len(shapes[0]) not in (2, 3):
        raise InputError(
            f"table loss.feature: feature maps of shapes {shapes[0]} and {shapes[1]} have different axes",
            hint="choose other layers with student_layer and teacher_layer, or networks of one kind",
        )
