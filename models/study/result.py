"""Everything that a study has found out, in memory and as study.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.study.costs import Cost
from models.study.table import StudyRow
from ppg_deploy.files import write_json

STUDY_FILE = "study.json"


@dataclass(frozen=True)
class LeftOut:
    """A combination that cannot be trained, and why."""

    student: str
    teacher: str
    strategy: str
    reason: str


@dataclass(frozen=True)
class Failure:
    """A training that gave nothing, and why."""

    training: str
    reason: str


@dataclass(frozen=True)
class TeacherFacts:
    """A teacher on one split.

    Attributes:
        name: in the study file.
        split: whose training subjects it learned from.
        facts: as in a distillation's result.json: members, validation error in BPM, entropy with warnings.
    """

    name: str
    split: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class StudyResult:
    """What all trainings gave.

    Attributes:
        rows: finished trainings in the order of the grid.
        failures: the others.
        left_out: combinations that cannot be trained.
        teachers: those that were trained.
        cautions: why training and test may share a person all the same, by split.
    """

    rows: tuple[StudyRow, ...]
    failures: tuple[Failure, ...]
    left_out: tuple[LeftOut, ...]
    teachers: tuple[TeacherFacts, ...]
    cautions: Mapping[str, tuple[str, ...]]


def write_result(
    folder: Path, result: StudyResult, costs: tuple[Cost, ...], settings: Mapping[str, Any]
) -> None:
    """Write study.json.

    Raises:
        EnvironmentProblem: it cannot be written.
    """
    content = {
        "schema": 1,
        "settings": settings,
        **asdict(result),
        "costs": [asdict(cost) for cost in costs],
    }
    write_json(folder / STUDY_FILE, content)
