"""Settings of a training run, read from a TOML file."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, ValidationError

from ppg_deploy.errors import InputError


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataTable(_Table):
    """Which synthetic subjects are used for what; a subject is named by its seed."""

    train_first_seed: int
    train_subjects: PositiveInt
    validation_first_seed: int
    validation_subjects: PositiveInt
    test_first_seed: int
    test_subjects: PositiveInt
    seconds_per_subject: PositiveFloat

    @property
    def train_seeds(self) -> range:
        """Seeds of the training subjects."""
        return range(self.train_first_seed, self.train_first_seed + self.train_subjects)

    @property
    def validation_seeds(self) -> range:
        """Seeds of the subjects that training settings may be compared on."""
        return range(self.validation_first_seed, self.validation_first_seed + self.validation_subjects)

    @property
    def test_seeds(self) -> range:
        """Seeds of the subjects that only the reported error is measured on."""
        return range(self.test_first_seed, self.test_first_seed + self.test_subjects)


class FitTable(_Table):
    """How the weights are fitted."""

    seed: int
    epochs: PositiveInt
    windows_per_subject: PositiveInt
    batch: PositiveInt
    peak_learning_rate: PositiveFloat
    weight_decay: float
    dropout: float


class ExportTable(_Table):
    """What is written beside the model."""

    name: str
    calibration_windows: PositiveInt
    shipped_test_seeds: tuple[int, ...]
    shipped_windows_per_subject: PositiveInt


class TrainConfig(_Table):
    """A whole training run."""

    data: DataTable
    fit: FitTable
    export: ExportTable

    def smoke(self) -> "TrainConfig":
        """The same run on so little data that it takes seconds; its weights are useless."""
        return TrainConfig(
            data=self.data.model_copy(
                update={
                    "train_subjects": 6,
                    "validation_subjects": 2,
                    "test_subjects": 4,
                    "seconds_per_subject": 60.0,
                }
            ),
            fit=self.fit.model_copy(update={"epochs": 2, "windows_per_subject": 8, "batch": 16}),
            export=self.export.model_copy(
                update={"calibration_windows": 16, "shipped_test_seeds": (self.data.test_first_seed,)}
            ),
        )


def read_config(path: Path) -> TrainConfig:
    """Read and check a training file.

    Raises:
        InputError: the file cannot be read, is no TOML, has a wrong field, or uses a subject twice.
    """
    try:
        config = TrainConfig.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputError(f"{path}: {error}", hint="compare it with models/pulse-demo/train.toml") from error
    sets = {
        "train": set(config.data.train_seeds),
        "validation": set(config.data.validation_seeds),
        "test": set(config.data.test_seeds),
    }
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if sets[first] & sets[second]:
            raise InputError(
                f"{path}: {first} and {second} share subjects", hint="give each set seeds of its own"
            )
    if not set(config.export.shipped_test_seeds) <= sets["test"]:
        raise InputError(
            f"{path}: export.shipped_test_seeds are not all test subjects",
            hint="choose them from the test seeds",
        )
    return config
