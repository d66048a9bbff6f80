"""The `[teacher]` table of a distillation file."""

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from models.losses.settings import HardLoss, LabelLoss
from models.training.cards import PpgNormalisation
from models.training.settings import FitSettings


class TeacherSettings(BaseModel):
    """One network, or an ensemble: every network of `networks` is trained once for every seed of `seeds`.

    Attributes:
        networks: names from `models/students/registry.py`.
        seeds: replace `fit.seed`.
        fit: how the members are trained.
        hard: the labels they are trained on.
        ppg: how the PPG is normalised for them.
        calibrate_temperature: divide logits by the temperature that fits the validation subjects best.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    networks: tuple[str, ...] = Field(min_length=1)
    seeds: tuple[NonNegativeInt, ...] = Field(default=(1,), min_length=1)
    fit: FitSettings
    hard: LabelLoss = HardLoss()
    ppg: PpgNormalisation = "fixed"
    calibrate_temperature: bool = True
