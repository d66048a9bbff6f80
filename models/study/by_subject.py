"""Distilled against scratch, subject by subject: what another group of people would be expected to show.

Windows of one person resemble each other, and seeds of one split are measured on the same people: the subjects are the
sample that a statement about new wearers rests on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from models.study.summary import Interval, Verdict, t_interval, verdict_of
from models.study.table import SCRATCH, StudyRow


@dataclass(frozen=True)
class SubjectDifference:
    """Distilled - scratch of the float models; negative: distillation helped.

    Attributes:
        student, teacher, strategy: of the distilled side.
        subjects: test subjects of all splits together; each one's difference is the mean over its seeds.
        mean: over the subjects, in BPM.
        interval: 95 % t-interval of that mean; None for fewer than two subjects. It does not cover that splits share
            training subjects, nor that the teacher of a split is one training.
        better: subjects for whom the distilled student's error is lower.
        verdict: "better" or "worse" when the interval excludes 0.
    """

    student: str
    teacher: str | None
    strategy: str
    subjects: int
    mean: float
    interval: Interval | None
    better: int
    verdict: Verdict


def subject_differences(rows: Sequence[StudyRow]) -> tuple[SubjectDifference, ...]:
    """Every distilled student against the same student from scratch, small students first.

    Replicates that only one of both has are left out.
    """
    scratch = {(row.student, row.split, row.seed): row for row in rows if row.strategy == SCRATCH}
    gathered: dict[tuple[int, str, str | None, str], dict[str, list[float]]] = {}
    for row in rows:
        other = scratch.get((row.student, row.split, row.seed))
        if row.strategy == SCRATCH or other is None:
            continue
        key = (row.parameters, row.student, row.teacher, row.strategy)
        subjects = gathered.setdefault(key, {})
        for subject, error in row.mae_by_subject.items():
            subjects.setdefault(subject, []).append(error - other.mae_by_subject[subject])
    ordered = sorted(gathered.items(), key=lambda item: item[0][0])
    return tuple(_difference(*key[1:], list(subjects.values())) for key, subjects in ordered if subjects)


def _difference(
    student: str, teacher: str | None, strategy: str, by_subject: Sequence[Sequence[float]]
) -> SubjectDifference:
    values = [math.fsum(seeds) / len(seeds) for seeds in by_subject]
    interval = t_interval(values)
    return SubjectDifference(
        student,
        teacher,
        strategy,
        subjects=len(values),
        mean=math.fsum(values) / len(values),
        interval=interval,
        better=sum(value < 0.0 for value in values),
        verdict=verdict_of(interval),
    )
