"""The `[int8]` table of a distillation file."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt


class Int8Settings(BaseModel):
    """Fine-tuning with fake quantisation as the last step; 0 epochs leave it out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: NonNegativeInt = 0
    batch: PositiveInt = 64
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-4
