"""Means, spreads and paired differences against numbers worked by hand; t quantiles from a printed table."""

import pytest

from models.study.summary import PairedDifference, paired_differences, summarise
from models.study.table import StudyRow
from ppg_deploy.errors import InputError
from tests.support.study_rows import study_row

REPLICATES = [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def both(scratch: list[float], distilled: list[float]) -> list[StudyRow]:
    rows = []
    for (split, seed), alone, taught in zip(REPLICATES, scratch, distilled, strict=False):
        rows.append(study_row(split=split, seed=seed, mae_int8=alone, mae_float=alone - 0.5))
        rows.append(study_row(strategy="soft", split=split, seed=seed, mae_int8=taught, mae_float=alone))
    return rows


def only(rows: list[StudyRow]) -> PairedDifference:
    (difference,) = paired_differences(rows)
    return difference


def test_mean_and_sample_deviation() -> None:
    scratch, soft = summarise(both([10.0, 12.0, 14.0], [9.0, 9.0, 12.0]))
    assert (scratch.strategy, scratch.teacher, scratch.parameters) == ("scratch", None, 27_241)
    assert (scratch.mae_int8.mean, scratch.mae_int8.std, scratch.mae_int8.n) == (12.0, 2.0, 3)
    assert scratch.mae_float.mean == 11.5
    # (1 + 1 + 4) / 2 = 3
    assert (soft.teacher, soft.mae_int8.mean) == ("big", 10.0)
    assert soft.mae_int8.std == pytest.approx(3.0**0.5, rel=1e-12)
    assert soft.mae_constant.mean == 20.0


def test_a_single_replicate_has_no_deviation_and_no_verdict() -> None:
    rows = both([10.0], [1.0])
    assert summarise(rows)[0].mae_int8.std is None
    difference = only(rows)
    assert (difference.n, difference.mean, difference.low, difference.high) == (1, -9.0, None, None)
    assert (difference.distilled_better, difference.verdict) == (1, "no difference shown")


def test_small_students_come_first() -> None:
    rows = [
        study_row("large", parameters=9),
        study_row("small", parameters=3),
        study_row("middle", parameters=5),
    ]
    assert [summary.student for summary in summarise(rows)] == ["small", "middle", "large"]


def test_three_pairs_do_not_exclude_zero() -> None:
    # Differences -1, -2, -1: mean -4/3, deviation sqrt(1/3), standard error 1/3; t(0.975, 2) = 4.3027.
    difference = only(both([10.0, 12.0, 14.0], [9.0, 10.0, 13.0]))
    assert difference.mean == pytest.approx(-4 / 3, abs=1e-12)
    assert difference.low == pytest.approx(-2.76755, abs=1e-4)
    assert difference.high == pytest.approx(0.10088, abs=1e-4)
    assert (difference.n, difference.distilled_better, difference.verdict) == (3, 3, "no difference shown")


def test_four_pairs_exclude_zero() -> None:
    # Differences -1, -2, -1, -2: standard error sqrt(1/3) / 2 = 0.288675; t(0.975, 3) = 3.1824.
    difference = only(both([10.0, 12.0, 14.0, 9.0], [9.0, 10.0, 13.0, 7.0]))
    assert difference.low == pytest.approx(-2.41869, abs=1e-4)
    assert difference.high == pytest.approx(-0.58131, abs=1e-4)
    assert difference.verdict == "better"


def test_worse_and_mixed() -> None:
    worse = only(both([9.0, 10.0, 13.0, 7.0], [10.0, 12.0, 14.0, 9.0]))
    assert (worse.verdict, worse.distilled_better) == ("worse", 0)
    mixed = only(both([10.0, 10.0, 10.0], [9.0, 11.0, 10.0]))
    assert (mixed.mean, mixed.distilled_better, mixed.verdict) == (0.0, 1, "no difference shown")


def test_equal_errors_show_no_difference() -> None:
    equal = only(both([10.0, 11.0], [10.0, 11.0]))
    assert (equal.low, equal.high, equal.verdict) == (0.0, 0.0, "no difference shown")


def test_the_measure_is_chosen() -> None:
    (difference,) = paired_differences(both([10.0, 12.0], [1.0, 1.0]), "mae_float")
    assert (difference.measure, difference.mean) == ("mae_float", 0.5)


def test_only_common_replicates_are_paired() -> None:
    rows = [
        study_row(split="a", seed=1, mae_int8=10.0),
        study_row(split="a", seed=2, mae_int8=10.0),
        study_row(strategy="soft", split="a", seed=2, mae_int8=9.0),
        study_row(strategy="soft", split="b", seed=1, mae_int8=1.0),
        study_row("other", "soft", split="a", seed=1, parameters=9),
    ]
    difference = only(rows)
    assert (difference.student, difference.n, difference.mean) == ("pulse", 1, -1.0)


def test_strategies_and_teachers_are_kept_apart() -> None:
    rows = [
        study_row(mae_int8=10.0),
        study_row(strategy="soft", teacher="small", mae_int8=9.0),
        study_row(strategy="soft", teacher="large", mae_int8=8.0),
        study_row(strategy="hard", mae_int8=11.0),
    ]
    found = {(d.strategy, d.teacher): d.mean for d in paired_differences(rows)}
    assert found == {("soft", "small"): -1.0, ("soft", "large"): -2.0, ("hard", "big"): 1.0}


def test_a_replicate_twice_is_refused() -> None:
    with pytest.raises(InputError, match="split a, seed 1 stands in the rows twice"):
        summarise([study_row(), study_row()])


def test_two_versions_of_a_network_are_refused() -> None:
    with pytest.raises(InputError, match="student pulse has 27241 and 5 parameters"):
        paired_differences([study_row(), study_row(seed=2, parameters=5)])
