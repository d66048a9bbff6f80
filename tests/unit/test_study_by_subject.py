"""Differences by subject, worked by hand."""

import pytest

from models.study.by_subject import subject_differences
from tests.support.study_rows import study_row


def test_seeds_are_averaged_and_subjects_are_the_sample() -> None:
    """Subject a: -1 and -2 by seed, mean -1.5; b: +1 in its only split; c: -2.5. Mean -1, deviation 1.8028."""
    rows = [
        study_row(split="x", seed=1, mae_by_subject={"a": 5.0}),
        study_row(split="x", seed=2, mae_by_subject={"a": 6.0}),
        study_row(split="y", seed=1, mae_by_subject={"b": 3.0, "c": 8.0}),
        study_row(split="y", seed=9, mae_by_subject={"b": 99.0, "c": 99.0}),
        study_row(strategy="soft", split="x", seed=1, mae_by_subject={"a": 4.0}),
        study_row(strategy="soft", split="x", seed=2, mae_by_subject={"a": 4.0}),
        study_row(strategy="soft", split="y", seed=1, mae_by_subject={"b": 4.0, "c": 5.5}),
        study_row(strategy="soft", split="z", seed=1, mae_by_subject={"d": 0.0}),
    ]
    (found,) = subject_differences(rows)
    assert (found.subjects, found.better, found.verdict) == (3, 2, "no difference shown")
    assert found.mean == pytest.approx(-1.0)
    # t(0.975, 2) = 4.3027, from a printed table.
    half = 4.3027 * 1.8028 / 3**0.5
    assert found.interval == pytest.approx((-1.0 - half, -1.0 + half), abs=1e-3)


@pytest.mark.parametrize(("shift", "verdict"), [(-1.0, "better"), (1.0, "worse")])
def test_verdict(shift: float, verdict: str) -> None:
    errors = {"a": 5.0, "b": 7.0, "c": 4.0}
    rows = [
        study_row(mae_by_subject=errors),
        study_row(
            strategy="soft",
            mae_by_subject={name: error + shift + 0.01 * error for name, error in errors.items()},
        ),
    ]
    assert [found.verdict for found in subject_differences(rows)] == [verdict]


def test_a_single_subject_shows_nothing() -> None:
    rows = [
        study_row(mae_by_subject={"a": 5.0}),
        study_row(strategy="soft", mae_by_subject={"a": 1.0}),
    ]
    (found,) = subject_differences(rows)
    assert found.interval is None and found.verdict == "no difference shown"


def test_students_without_subjects_are_left_out() -> None:
    assert subject_differences([study_row(), study_row(strategy="soft")]) == ()
