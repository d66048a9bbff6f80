"""From a study file to trainings: who is trained with which settings, and what is left out and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from models.data.settings import (
    CrossDatasetTable,
    KFoldTable,
    LeaveOneOutTable,
    PulseFoldTable,
    SplitTable,
)
from models.distil.run import check_losses
from models.distil.settings import DataSettings, DistilSettings, ExportSettings, StudentSettings
from models.losses.settings import LossSettings
from models.study.result import LeftOut
from models.study.settings import StrategyTable, StudentTable, StudySettings, TeacherTable
from models.study.table import SCRATCH
from models.teachers.cache import cache_key
from models.training.networks import registered
from ppg_deploy.errors import InputError

Hashes = Mapping[str, str]
Combination = tuple[StudentTable, TeacherTable | None, StrategyTable | None]
_Table = TypeVar("_Table", TeacherTable, StrategyTable)


@dataclass(frozen=True)
class Point:
    """One training of one student.

    Attributes:
        student: network.
        teacher: name in the study file; None from scratch.
        strategy: name in the study file, or "scratch".
        split: name of the split.
        seed: of the training.
        settings: what is done.
        identity: names settings and windows, so that a finished training is found again.
        teacher_identity: the same of the teacher's training; empty without one.
    """

    student: str
    teacher: str | None
    strategy: str
    split: str
    seed: int
    settings: DistilSettings
    identity: str
    teacher_identity: str

    @property
    def folder(self) -> str:
        """Name of the folder of its results."""
        taught = "" if self.teacher is None else f"-{self.teacher}"
        return f"{self.student}{taught}-{self.strategy}-{self.split}-{self.seed}-{self.identity[:8]}"


@dataclass(frozen=True)
class Grid:
    """All trainings, split by split and seed by seed: an interrupted study has whole replicates."""

    points: tuple[Point, ...]
    left_out: tuple[LeftOut, ...]


def split_name(table: SplitTable | None) -> str:
    """A short name for tables and folders; "as-given" without a table."""
    match table:
        case None:
            return "as-given"
        case KFoldTable():
            return f"fold{table.fold}of{table.folds}-s{table.seed}"
        case LeaveOneOutTable() | PulseFoldTable():
            return f"without-{table.subject}"
        case CrossDatasetTable():
            return f"{'+'.join(table.train)}-to-{'+'.join(table.test)}"


def data_of_splits(study: StudySettings) -> dict[str, DataSettings]:
    """The windows of each split of a study, by the split's name.

    Raises:
        InputError: two splits of one name.
    """
    recordings = study.data.recordings
    if recordings is None or not study.splits:
        return {split_name(None if recordings is None else recordings.split): study.data}
    named = {
        split_name(table): DataSettings(recordings=recordings.model_copy(update={"split": table}))
        for table in study.splits
    }
    if len(named) < len(study.splits):
        raise InputError(f"splits: two of {', '.join(named)} are the same", hint="name each split once")
    return named


def grid_of(study: StudySettings, data: Mapping[str, DataSettings], hashes: Mapping[str, Hashes]) -> Grid:
    """Every training of a study.

    Args:
        study: the file.
        data: settings of each split's windows, as from `data_of_splits`.
        hashes: SHA-256 of each split's windows, see `SubjectSplit.hashes`.

    Raises:
        InputError: an unknown network.
    """
    combinations, left_out = _possible(study, next(iter(data.values())))
    points = []
    for (split, windows), seed in product(data.items(), study.seeds):
        for student, teacher, strategy in combinations:
            settings = _distil_settings(study, windows, student, teacher, strategy, seed)
            points.append(
                Point(
                    student=student.network,
                    teacher=None if teacher is None else teacher.name,
                    strategy=SCRATCH if strategy is None else strategy.name,
                    split=split,
                    seed=seed,
                    settings=settings,
                    identity=cache_key(settings.model_dump(mode="json", exclude={"data"}), hashes[split]),
                    teacher_identity=""
                    if settings.teacher is None
                    else cache_key(settings.teacher.model_dump(mode="json"), hashes[split]),
                )
            )
    return Grid(tuple(points), tuple(left_out))


def _possible(study: StudySettings, data: DataSettings) -> tuple[list[Combination], list[LeftOut]]:
    # A misspelt name is no combination that does not fit: nothing shall be left out for it.
    for table in study.teacher:
        for network in table.networks:
            registered(network)
    possible, left_out = [], []
    for student, teacher, strategy in _combinations(study):
        settings = _distil_settings(study, data, student, teacher, strategy, study.seeds[0])
        try:
            check_losses(settings)
        except InputError as error:
            # Without a teacher nothing is wrong but the file itself.
            if teacher is None or strategy is None:
                raise
            left_out.append(LeftOut(student.network, teacher.name, strategy.name, error.message))
        else:
            possible.append((student, teacher, strategy))
    return possible, left_out


def _combinations(study: StudySettings) -> Iterator[Combination]:
    for student in study.student:
        yield student, None, None
        for teacher, strategy in product(
            _meant_for(student, study.teacher), _meant_for(student, study.strategy)
        ):
            yield student, teacher, strategy


def _meant_for(student: StudentTable, tables: Sequence[_Table]) -> list[_Table]:
    return [table for table in tables if not table.students or student.network in table.students]


def _distil_settings(
    study: StudySettings,
    data: DataSettings,
    student: StudentTable,
    teacher: TeacherTable | None,
    strategy: StrategyTable | None,
    seed: int,
) -> DistilSettings:
    return DistilSettings(
        data=data,
        teacher=None if teacher is None else teacher.settings,
        student=StudentSettings(
            network=student.network,
            ppg=student.ppg,
            fit=student.fit.model_copy(update={"seed": seed}),
            compare_with_scratch=False,
        ),
        loss=LossSettings(hard=student.scratch) if strategy is None else strategy.loss,
        export=ExportSettings(
            name=f"{study.name}-{student.network}", calibration_windows=study.calibration_windows
        ),
    )
