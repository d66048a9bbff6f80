"""ppg.toml: optional defaults of a folder, read from where a command is run."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ppg_deploy.card import describe_problems
from ppg_deploy.errors import InputError

FILE_NAME = "ppg.toml"
_STRICT = ConfigDict(extra="forbid", frozen=True)
Hop = Annotated[int, Field(ge=1)] | Literal["auto"]
_Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class QuantizeConfig(BaseModel):
    """Section [quantize]."""

    model_config = _STRICT
    calibration: Path | None = None


class BuildConfig(BaseModel):
    """Section [build]. `hop` in samples per channel, `ram_budget` in bytes of the arena, `baud` in bit/s.

    `kernel_flags` are compiler flags of the kernels, added after those of every file.
    """

    model_config = _STRICT
    board: str | None = None
    optimize: Literal["speed", "balanced", "size"] = "balanced"
    hop: Hop | None = None
    ram_budget: int | None = Field(default=None, ge=1)
    baud: int | None = None
    kernel_flags: tuple[str, ...] | None = None


class TflmConfig(BaseModel):
    """Section [tflm]: folder of TFLM's sources, and bytes of its arena where the estimate does not do."""

    model_config = _STRICT
    dir: Path | None = None
    arena: int | None = Field(default=None, ge=1)


_Limits = tuple[_Limit, _Limit]


class GateConfig(BaseModel):
    """Section [gate]: thresholds of the accuracy gate in BPM, (pass up to, warn up to).

    Differences are int8 - float on the same windows.
    """

    model_config = _STRICT
    delta_mae: _Limits = (0.3, 0.5)
    worst_subject_delta_mae: _Limits = (0.6, 1.0)
    mean_abs_difference: _Limits = (0.7, 1.5)
    p95_abs_difference: _Limits = (2.5, 5.0)
    min_windows: int = Field(default=1000, ge=1)
    min_subjects: int = Field(default=5, ge=0)
    min_subject_windows: int = Field(default=100, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, value in self:
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(f"{name} must be [pass up to, warn up to]")
        return self


class ProjectConfig(BaseModel):
    """The whole file; every section is optional."""

    model_config = _STRICT
    quantize: QuantizeConfig = QuantizeConfig()
    build: BuildConfig = BuildConfig()
    tflm: TflmConfig = TflmConfig()
    gate: GateConfig = GateConfig()


def load_config(folder: Path) -> ProjectConfig:
    """Read ppg.toml in a folder; defaults when there is none. Paths in it are relative to that folder.

    Raises:
        InputError: not TOML, or an unknown or wrong field.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return ProjectConfig()
    try:
        config = ProjectConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="see docs/configuration.md") from error
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint="see docs/configuration.md") from error
    if config.quantize.calibration is not None:
        resolved = QuantizeConfig(calibration=folder / config.quantize.calibration)
        config = config.model_copy(update={"quantize": resolved})
    if config.tflm.dir is not None:
        tflm = config.tflm.model_copy(update={"dir": folder / config.tflm.dir})
        config = config.model_copy(update={"tflm": tflm})
    return config
