"""The `[int8]` table of a distillation file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt


class Int8Settings(BaseModel):
    """Fine-tuning with fake quantisation as the last step; 0 epochs leave it out.

    Attributes:
        epochs: passes over the training windows.
        batch: windows in a step.
        learning_rate: of Adam.
        towards: "losses" goes on with the training's own losses on the answers; "float" imitates the student's float
            answers, which leaves alone what it has learnt and only repairs the rounding.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: NonNegativeInt = 0
    batch: PositiveInt = 64
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-4
    towards: Literal["float", "losses"] = "float"
