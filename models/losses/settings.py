"""The `[loss]` table of a distillation file: which losses, with which weights."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_STRICT = ConfigDict(extra="forbid", frozen=True)
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]


class HardLoss(BaseModel):
    """A heart rate as target: cross entropy over the bins, or the absolute error of a regression in BPM.

    `labels` is the share of the labels. The rest is hard distillation: the target is the teacher's most likely bin,
    which only a teacher and a student with bins have. `sigma_bpm` and `smoothing` soften the target of the cross
    entropy (see `label_distribution`).
    """

    model_config = _STRICT
    weight: _Positive = 1.0
    labels: _Share = 1.0
    sigma_bpm: _NotNegative = 0.0
    smoothing: _Share = 0.0


def _of_labels_alone(hard: HardLoss) -> HardLoss:
    if hard.labels < 1.0:
        raise ValueError("labels below 1 is hard distillation, and nobody teaches here")
    return hard


LabelLoss = Annotated[HardLoss, AfterValidator(_of_labels_alone)]
"""The hard loss of a network that has no teacher."""


class SoftLoss(BaseModel):
    """The teacher's answers: softened distributions, or the absolute difference of regressions in BPM."""

    model_config = _STRICT
    weight: _Positive = 1.0
    temperature: _Positive = 4.0


class DecoupledLoss(BaseModel):
    """Decoupled distillation with the weights of Arora et al.; only over bins."""

    model_config = _STRICT
    weight: _Positive = 1.0
    alpha: _NotNegative = 1.0
    beta: _NotNegative = 8.0
    temperature: _Positive = 2.0


class FeatureLoss(BaseModel):
    """Feature maps through a 1x1 adapter. The layers are module names; None takes the network's usual one."""

    model_config = _STRICT
    weight: _Positive = 1.0
    student_layer: str | None = None
    teacher_layer: str | None = None


class RelationLoss(BaseModel):
    """Distances and angles between the windows of a batch, in what the last dense layer reads."""

    model_config = _STRICT
    weight: _Positive = 1.0
    distance_weight: _NotNegative = 1.0
    angle_weight: _NotNegative = 2.0


class PulseLoss(BaseModel):
    """PULSE's loss as published; it holds a label term of its own."""

    model_config = _STRICT
    weight: _Positive = 1.0
    b: _Share = 0.5
    g: _Share = 0.6667


class LossSettings(BaseModel):
    """Any combination; what is absent does not take part."""

    model_config = _STRICT
    hard: HardLoss | None = None
    soft: SoftLoss | None = None
    decoupled: DecoupledLoss | None = None
    feature: FeatureLoss | None = None
    relation: RelationLoss | None = None
    pulse: PulseLoss | None = None

    @model_validator(mode="after")
    def _learns_an_answer(self) -> Self:
        if self.hard is None and self.soft is None and self.decoupled is None and self.pulse is None:
            raise ValueError(
                "no loss looks at the answers: add loss.hard, loss.soft, loss.decoupled or loss.pulse"
            )
        return self

    @property
    def needs_teacher(self) -> bool:
        """True when some loss looks at a teacher."""
        hard_distillation = self.hard is not None and self.hard.labels < 1.0
        return hard_distillation or any((self.soft, self.decoupled, self.feature, self.relation, self.pulse))

    @property
    def from_scratch(self) -> "LossSettings":
        """Labels alone, softened as here: what a student without a teacher learns from."""
        hard = self.hard or HardLoss()
        return LossSettings(hard=hard.model_copy(update={"labels": 1.0}))
