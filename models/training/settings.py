"""How a network's weights are fitted: the `fit` tables of a distillation file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class FitSettings(BaseModel):
    """Adam with early stopping.

    Attributes:
        seed: decides first weights, order of the windows and dropout.
        epochs: at most so many.
        patience: stop after so many epochs without a lower error on the validation subjects.
        batch: windows in a step.
        learning_rate: the highest.
        schedule: "constant", "cosine" from there down to zero over `epochs`, or "one-cycle", which first rises to it:
            what the PULSE networks need to leave the plateau of answering with the mean.
        weight_decay: of Adam.
        dropout: probability in every dropout layer; None leaves what the network was published with.
        device: "auto" takes a GPU when there is one. Only the CPU gives the same bits again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(default=1, ge=0)
    epochs: PositiveInt
    patience: PositiveInt
    batch: PositiveInt = 64
    learning_rate: _Positive = 1e-3
    schedule: Literal["constant", "cosine", "one-cycle"] = "constant"
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
