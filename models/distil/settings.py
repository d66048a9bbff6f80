"""A distillation file (TOML): data, teacher, student, losses and what is written."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from models.data.settings import RecordingsTable
from models.distil.synthetic_subjects import SyntheticSubjects
from models.int8_training.settings import Int8Settings
from models.losses.settings import LossSettings
from models.teachers.settings import TeacherSettings
from models.training.cards import PpgNormalisation
from models.training.settings import FitSettings
from ppg_deploy.card import describe_problems
from ppg_deploy.errors import InputError

_STRICT = ConfigDict(extra="forbid", frozen=True)


class FilesTable(BaseModel):
    """Windows files (docs/windows.md) with labels and subjects; relative to the folder of the distillation file."""

    model_config = _STRICT
    train: Path
    validation: Path
    test: Path

    def relative_to(self, folder: Path) -> "FilesTable":
        """The same with paths relative to `folder`."""
        return FilesTable(
            train=folder / self.train, validation=folder / self.validation, test=folder / self.test
        )


class DataSettings(BaseModel):
    """Synthetic subjects, windows files, or recordings of public data sets."""

    model_config = _STRICT
    synthetic: SyntheticSubjects | None = None
    files: FilesTable | None = None
    recordings: RecordingsTable | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.synthetic, self.files, self.recordings].count(None) != 2:
            raise ValueError("give one of data.synthetic, data.files and data.recordings")
        return self

    def relative_to(self, folder: Path) -> "DataSettings":
        """The same with all paths relative to `folder`."""
        return DataSettings(
            synthetic=self.synthetic,
            files=None if self.files is None else self.files.relative_to(folder),
            recordings=None if self.recordings is None else self.recordings.relative_to(folder),
        )


class StudentSettings(BaseModel):
    """What is trained.

    Attributes:
        network: name from `models/students/registry.py`.
        ppg: how the PPG is normalised for it.
        fit: how it is trained.
        compare_with_scratch: train it a second time with the same settings on the labels alone.
    """

    model_config = _STRICT
    network: str
    ppg: PpgNormalisation = "fixed"
    fit: FitSettings
    compare_with_scratch: bool = True


class ExportSettings(BaseModel):
    """What is written beside the model.

    Attributes:
        name: of the student, in its card.
        calibration_windows: windows of training subjects, spread over their heart rates.
        shipped_test_subjects: test.npz holds windows of these test subjects alone, so that it stays small enough to
            hand on; all windows of all of them when none are named. Choose them before you look at errors.
        shipped_windows_per_subject: so many in a row, from the middle of each one's windows.
    """

    model_config = _STRICT
    name: Annotated[str, Field(min_length=1, max_length=64)]
    calibration_windows: PositiveInt = 160
    shipped_test_subjects: tuple[str, ...] = ()
    shipped_windows_per_subject: PositiveInt = 24


class DistilSettings(BaseModel):
    """A whole run. Without a teacher the student is trained from scratch."""

    model_config = _STRICT
    data: DataSettings
    teacher: TeacherSettings | None = None
    student: StudentSettings
    loss: LossSettings
    int8: Int8Settings = Int8Settings()
    export: ExportSettings

    @model_validator(mode="after")
    def _teacher_where_needed(self) -> Self:
        if self.loss.needs_teacher and self.teacher is None:
            raise ValueError("the losses need a teacher: add a [teacher] table")
        if self.teacher is not None and not self.loss.needs_teacher:
            raise ValueError(
                "no loss looks at the teacher: remove [teacher] or add loss.soft, loss.decoupled, ..."
            )
        return self


def read_settings(path: Path) -> DistilSettings:
    """Read and check a distillation file.

    Raises:
        InputError: the file cannot be read, is no TOML or has a wrong field (the message names it).
    """
    hint = "compare it with the files in models/configs"
    try:
        settings = DistilSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint=hint) from error
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint=hint) from error
    return settings.model_copy(update={"data": settings.data.relative_to(path.parent)})
