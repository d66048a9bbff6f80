"""ppg.toml: optional defaults of a folder, read from where a command is run."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ppg_deploy.card import describe_problems
from ppg_deploy.errors import InputError

FILE_NAME = "ppg.toml"
_STRICT = ConfigDict(extra="forbid", frozen=True)


class QuantizeConfig(BaseModel):
    """Section [quantize]."""

    model_config = _STRICT
    calibration: Path | None = None


class BuildConfig(BaseModel):
    """Section [build]."""

    model_config = _STRICT
    board: str | None = None


class ProjectConfig(BaseModel):
    """The whole file; every section is optional."""

    model_config = _STRICT
    quantize: QuantizeConfig = QuantizeConfig()
    build: BuildConfig = BuildConfig()


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
    if config.quantize.calibration is None:
        return config
    resolved = QuantizeConfig(calibration=folder / config.quantize.calibration)
    return config.model_copy(update={"quantize": resolved})
