"""A study file (TOML): whom to train on what, taught by whom and how."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from models.data.settings import SplitTable
from models.distil.settings import DataSettings
from models.losses.settings import HardLoss, LabelLoss, LossSettings
from models.study.costs import CostSettings
from models.study.scaling import Scale
from models.study.table import SCRATCH
from models.teachers.settings import TeacherSettings
from models.training.cards import PpgNormalisation
from models.training.settings import FitSettings
from ppg_deploy.card import describe_problems
from ppg_deploy.errors import InputError

_STRICT = ConfigDict(extra="forbid", frozen=True)
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,40}$")]


class StudentTable(BaseModel):
    """One network that is trained.

    Attributes:
        network: name from `models/students/registry.py`.
        ppg: how the PPG is normalised for it.
        fit: how it is trained; its seed is replaced by each of the study's.
        scratch: the labels that it learns from without a teacher.
    """

    model_config = _STRICT
    network: str
    ppg: PpgNormalisation = "fixed"
    fit: FitSettings
    scratch: LabelLoss = HardLoss()


class TeacherTable(TeacherSettings):
    """A teacher, or an ensemble, and the students that it teaches; all when none are named."""

    name: _Name
    students: tuple[str, ...] = ()

    @property
    def settings(self) -> TeacherSettings:
        """What a distillation file would hold."""
        return TeacherSettings.model_validate(self.model_dump(exclude={"name", "students"}))


class StrategyTable(BaseModel):
    """Losses by a name, for the students that it is for; for all when none are named."""

    model_config = _STRICT
    name: _Name
    students: tuple[str, ...] = ()
    loss: LossSettings

    @model_validator(mode="after")
    def _has_a_teacher(self) -> Self:
        if self.name == SCRATCH or not self.loss.needs_teacher:
            raise ValueError(
                f"every study trains {SCRATCH!r}, on the labels alone: a strategy has a name and a teacher's losses"
            )
        return self


class CurveSettings(BaseModel):
    """The size-error curve.

    Attributes:
        students: networks that it is fitted to, best of one family; all when none are named.
        scale: exponential in the logarithm of the size, or in the size itself.
    """

    model_config = _STRICT
    students: tuple[str, ...] = ()
    scale: Scale = "log-size"


class LimitSettings(BaseModel):
    """Seconds of wall clock after which a training is ended and counts as failed."""

    model_config = _STRICT
    teacher_s: PositiveFloat = 86_400.0
    student_s: PositiveFloat = 43_200.0


class StudySettings(BaseModel):
    """A whole study.

    Attributes:
        name: of the results.
        data: as in a distillation file.
        splits: tried one after the other in place of the one of `data.recordings`; empty: that one.
        seeds: of the students; teachers keep their own.
        student: networks to train.
        teacher: who teaches them.
        strategy: how.
        calibration_windows: for int8.
        curve: which students, and its form.
        costs: boards that one student of each network is built for; None for none.
        limits: seconds.
    """

    model_config = _STRICT
    name: _Name
    data: DataSettings
    splits: tuple[SplitTable, ...] = ()
    seeds: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)]
    student: Annotated[tuple[StudentTable, ...], Field(min_length=1)]
    teacher: tuple[TeacherTable, ...] = ()
    strategy: tuple[StrategyTable, ...] = ()
    calibration_windows: PositiveInt = 160
    curve: CurveSettings = CurveSettings()
    costs: CostSettings | None = None
    limits: LimitSettings = LimitSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        networks = [student.network for student in self.student]
        for what, names in (
            ("student.network", networks),
            ("teacher.name", [teacher.name for teacher in self.teacher]),
            ("strategy.name", [strategy.name for strategy in self.strategy]),
            ("seeds", [str(seed) for seed in self.seeds]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what}: each only once, not {', '.join(names)}")
        named = [(teacher.name, teacher.students) for teacher in self.teacher]
        named.append(("curve", self.curve.students))
        named += [(strategy.name, strategy.students) for strategy in self.strategy]
        for name, students in named:
            for network in students:
                if network not in networks:
                    raise ValueError(f"{name}: students: {network!r} is no student.network of this file")
        if self.splits and self.data.recordings is None:
            raise ValueError("splits: only data.recordings can be split again")
        if bool(self.teacher) != bool(self.strategy):
            raise ValueError("teacher and strategy belong together: give both or neither")
        return self


def read_study(path: Path) -> StudySettings:
    """Read and check a study file; its paths are relative to its folder, and absolute in what comes back.

    Raises:
        InputError: the file cannot be read, is no TOML or has a wrong field (the message names it).
    """
    hint = "compare it with the files in models/study/configs"
    try:
        study = StudySettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", hint=hint) from error
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint=hint) from error
    return study.model_copy(update={"data": study.data.relative_to(path.absolute().parent)})
