"""Means, spreads and paired differences of a study's rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from models.study.table import SCRATCH, StudyRow
from ppg_deploy.errors import InputError

Measure = Literal["mae_float", "mae_int8"]
Verdict = Literal["better", "worse", "no difference shown"]
Interval = tuple[float, float]
Replicate = tuple[str, int]
"""(split, seed)"""

_LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1) over replicates, in BPM; no deviation of a single one."""

    mean: float
    std: float | None
    n: int


@dataclass(frozen=True)
class GroupSummary:
    """One student, one teacher, one strategy, over its replicates (split, seed).

    Attributes:
        student, teacher, strategy, parameters: as in `StudyRow`.
        mae_float, mae_int8, mae_constant: over the replicates, each replicate counted once whatever its windows.
    """

    student: str
    teacher: str | None
    strategy: str
    parameters: int
    mae_float: Spread
    mae_int8: Spread
    mae_constant: Spread


@dataclass(frozen=True)
class PairedDifference:
    """Distilled - scratch over the replicates that both have; negative: distillation helped.

    Attributes:
        student, teacher, strategy: of the distilled side.
        measure: which error was compared.
        n: pairs; one pair is one (split, seed).
        mean: of the differences in BPM.
        low, high: 95 % t-interval of that mean; None for fewer than two pairs. It takes the pairs for independent:
            splits share training subjects and seeds of a split share test subjects, so with few splits it is
            narrower than new subjects would make it.
        distilled_better: pairs in which the distilled student had the lower error.
        verdict: "better" or "worse" when the interval excludes 0.
    """

    student: str
    teacher: str | None
    strategy: str
    measure: Measure
    n: int
    mean: float
    low: float | None
    high: float | None
    distilled_better: int
    verdict: Verdict


def summarise(rows: Sequence[StudyRow]) -> tuple[GroupSummary, ...]:
    """One summary a (student, teacher, strategy): small students first, the rest in the order of the rows.

    Raises:
        InputError: a replicate stands there twice, or one student has two numbers of parameters.
    """
    summaries = []
    for (student, teacher, strategy), replicates in _grouped(rows).items():
        members = list(replicates.values())
        summaries.append(
            GroupSummary(
                student,
                teacher,
                strategy,
                members[0].parameters,
                _spread([row.mae_float for row in members]),
                _spread([row.mae_int8 for row in members]),
                _spread([row.mae_constant for row in members]),
            )
        )
    return tuple(sorted(summaries, key=lambda summary: summary.parameters))


def paired_differences(
    rows: Sequence[StudyRow], measure: Measure = "mae_int8"
) -> tuple[PairedDifference, ...]:
    """Every distilled student against the same student from scratch; without a common replicate there is none.

    Raises:
        InputError: as `summarise`.
    """
    groups = _grouped(rows)
    differences = []
    for (student, teacher, strategy), distilled in groups.items():
        scratch = groups.get((student, None, SCRATCH), {})
        common = [replicate for replicate in distilled if replicate in scratch]
        if strategy == SCRATCH or not common:
            continue
        values = [getattr(distilled[pair], measure) - getattr(scratch[pair], measure) for pair in common]
        differences.append(
            (distilled[common[0]].parameters, _paired(student, teacher, strategy, measure, values))
        )
    return tuple(difference for _, difference in sorted(differences, key=lambda pair: pair[0]))


def _grouped(rows: Sequence[StudyRow]) -> Mapping[tuple[str, str | None, str], dict[Replicate, StudyRow]]:
    groups: dict[tuple[str, str | None, str], dict[Replicate, StudyRow]] = {}
    parameters: dict[str, int] = {}
    for row in rows:
        if parameters.setdefault(row.student, row.parameters) != row.parameters:
            raise InputError(
                f"student {row.student} has {parameters[row.student]} and {row.parameters} parameters",
                hint="the rows come from different versions of the network: start the study in a new folder",
            )
        members = groups.setdefault((row.student, row.teacher, row.strategy), {})
        if (row.split, row.seed) in members:
            raise InputError(
                f"student {row.student}, teacher {row.teacher}, strategy {row.strategy}: split {row.split}, "
                f"seed {row.seed} stands in the rows twice",
                hint="give every replicate once",
            )
        members[row.split, row.seed] = row
    return groups


def _spread(values: Sequence[float]) -> Spread:
    mean = math.fsum(values) / len(values)
    return Spread(mean, _deviation(values, mean), len(values))


def _deviation(values: Sequence[float], mean: float) -> float | None:
    if len(values) < 2:
        return None
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _paired(
    student: str, teacher: str | None, strategy: str, measure: Measure, values: Sequence[float]
) -> PairedDifference:
    interval = t_interval(values)
    low, high = (None, None) if interval is None else interval
    better = sum(value < 0.0 for value in values)
    mean = math.fsum(values) / len(values)
    return PairedDifference(
        student, teacher, strategy, measure, len(values), mean, low, high, better, verdict_of(interval)
    )


def t_interval(values: Sequence[float]) -> Interval | None:
    """95 % t-interval of the mean; None for fewer than two values."""
    from scipy import stats

    count = len(values)
    mean = math.fsum(values) / count
    deviation = _deviation(values, mean)
    if deviation is None:
        return None
    half = float(stats.t.ppf(0.5 + _LEVEL / 2, count - 1)) * deviation / math.sqrt(count)
    return mean - half, mean + half


def verdict_of(interval: Interval | None) -> Verdict:
    """What an interval of distilled - scratch shows."""
    if interval is None or interval[0] <= 0.0 <= interval[1]:
        return "no difference shown"
    return "better" if interval[1] < 0.0 else "worse"
