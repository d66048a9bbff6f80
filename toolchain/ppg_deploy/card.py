"""student.toml: what an ONNX file cannot say about a heart-rate student."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_STRICT = ConfigDict(extra="forbid", frozen=True)
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_MANY_BINS = 1e6
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class RawChannel(BaseModel):
    """A channel that the model takes in the sensor's own unit."""

    model_config = _STRICT
    name: str = Field(min_length=1)
    normalise: Literal["none"]


class FixedChannel(BaseModel):
    """A channel normalised with constants of the training set: (x - mean) / std."""

    model_config = _STRICT
    name: str = Field(min_length=1)
    normalise: Literal["fixed"]
    mean: _Finite
    std: _Positive


class WindowChannel(BaseModel):
    """A channel normalised by its own window: (x - mean(x)) / (population std(x) + epsilon)."""

    model_config = _STRICT
    name: str = Field(min_length=1)
    normalise: Literal["window"]
    epsilon: _Positive = 1e-6


Channel = Annotated[RawChannel | FixedChannel | WindowChannel, Field(discriminator="normalise")]


class InputCard(BaseModel):
    """Sampling and channels, in the order in which the model takes them."""

    model_config = _STRICT
    sample_rate_hz: _Positive
    window_s: _Positive
    stride_s: _Positive
    channel: tuple[Channel, ...] = Field(min_length=1)

    @property
    def samples(self) -> int:
        """Samples of one channel in one window."""
        return round(self.sample_rate_hz * self.window_s)


class _OutputCard(BaseModel):
    model_config = _STRICT
    valid_bpm: tuple[_Positive, _Positive]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_bpm[0] >= self.valid_bpm[1]:
            raise ValueError("valid_bpm must be [lowest, highest]")
        return self


class ScalarOutput(_OutputCard):
    """The model's only output is the heart rate in BPM."""

    decode: Literal["scalar"]


class ClassesOutput(_OutputCard):
    """One logit per heart-rate bin; bin i is centred on first_bin_bpm + i * bin_width_bpm.

    `argmax` takes the first of equal maxima. `expectation` is the softmax-weighted mean of all bins;
    `local_expectation` that of the bins within `half_width_bpm` of the argmax.
    """

    decode: Literal["argmax", "expectation", "local_expectation"]
    first_bin_bpm: _Positive
    bin_width_bpm: _Positive
    half_width_bpm: _Positive = 10.0

    @property
    def half_width_bins(self) -> int:
        """Bins on either side of the argmax that `local_expectation` takes.

        Bins read from a model's float32 constants are a little off: 10.0 / 1.0000001 still means 10 bins.
        """
        return int(min(self.half_width_bpm / self.bin_width_bpm * (1.0 + 1e-6), _MANY_BINS))


OutputCard = Annotated[ScalarOutput | ClassesOutput, Field(discriminator="decode")]


class ClipFilter(BaseModel):
    """Causal limiter of the PULSE authors.

    Once `history` answers exist, each further answer is clipped to +-`fraction` of the mean of the last
    `history` limited answers. Source: KD_PULSE repository (Apache-2.0), also used by Q-PPG.
    """

    model_config = _STRICT
    kind: Literal["clip"] = "clip"
    history: int = Field(default=10, ge=1, le=1000)
    fraction: _Positive = 0.1


class StudentCard(BaseModel):
    """The whole card."""

    model_config = _STRICT
    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(min_length=1, max_length=64)
    input: InputCard
    output: OutputCard
    post_filter: ClipFilter | None = None


def load_card(path: Path) -> StudentCard:
    """Read and validate a student card.

    Raises:
        InputError: no such file, not TOML, or a field is missing or wrong (the message names it).
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="write a card as docs/student-card.md shows")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="see docs/student-card.md") from error
    try:
        return StudentCard.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint="see docs/student-card.md") from error


def describe_problems(error: ValidationError) -> str:
    """One sentence naming every wrong field of a validated file."""
    problems = error.errors()
    return "; ".join(
        f"field {'.'.join(str(part) for part in problem['loc']) or '(top level)'}: {problem['msg']}"
        for problem in problems
        if not (problem["type"] == "too_short" and _holds_another(problem["loc"], problems))
    )


def _holds_another(place: tuple[int | str, ...], problems: list["ErrorDetails"]) -> bool:
    """Pydantic counts only the sound items of a tuple: with a wrong one it may seem too short as well."""
    return any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in problems)
