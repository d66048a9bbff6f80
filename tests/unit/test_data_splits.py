"""No split parts a subject, whatever the subjects, and no window of a test subject reaches the training."""

import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data import (
    HrOrigin,
    Processing,
    Recording,
    Rule,
    Split,
    Units,
    by_parts,
    cross_dataset,
    fit_normalisation,
    k_fold,
    leave_one_subject_out,
    load_recordings,
    pulse_folds,
    subjects_of,
    window_set,
)
from models.data.people import check_distinct
from models.data.recording import dataset_of
from ppg_deploy.errors import InputError
from tests.support.published_data import dalia_contents, write_wristband_pickle

DALIA = [f"dalia_{number:02d}" for number in range(1, 16)]
SUBJECTS = st.sets(
    st.builds(
        lambda dataset, label: f"{dataset}_{label}",
        st.sampled_from(["dalia", "ieee", "bami1", "bami2", "wildppg", "synth"]),
        st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=3),
    ),
    min_size=5,
    max_size=40,
)


def recording(subject: str, number: int = 0, seconds: int = 60, hr: np.ndarray | None = None) -> Recording:
    """A recording whose samples all are `number`, with heart rates of its own."""
    windows = (seconds - 8) // 2 + 1
    labels = 60.0 + 80.0 * np.random.default_rng(number).random(windows) if hr is None else hr
    return Recording(
        dataset_of(subject),
        subject,
        f"file {number}",
        np.full((4, 32 * seconds), float(number), np.float32),
        32,
        labels.astype(np.float32),
        Units("counts", "g"),
        HrOrigin.GENERATED,
    )


def assert_parted(split: Split, subjects: set[str]) -> None:
    assert split.train | split.validation | split.test == subjects
    assert len(split.train) + len(split.validation) + len(split.test) == len(subjects)


@settings(deadline=None)
@given(subjects=SUBJECTS, validation=st.integers(0, 3), seed=st.integers(0, 100))
def test_leave_one_subject_out_tests_each_subject_once(
    subjects: set[str], validation: int, seed: int
) -> None:
    splits = leave_one_subject_out(subjects, validation, seed)
    assert [split.test for split in splits] == [frozenset({subject}) for subject in sorted(subjects)]
    for split in splits:
        assert_parted(split, subjects)
        assert len(split.validation) == validation
    assert splits == leave_one_subject_out(sorted(subjects, reverse=True), validation, seed)


@settings(deadline=None)
@given(subjects=SUBJECTS, folds=st.integers(3, 5), seed=st.integers(0, 100))
def test_k_fold_tests_and_validates_each_subject_once(subjects: set[str], folds: int, seed: int) -> None:
    splits = k_fold(subjects, folds, seed)
    assert len(splits) == folds
    for part in ("test", "validation"):
        together = [subject for split in splits for subject in getattr(split, part)]
        assert sorted(together) == sorted(subjects)
    for split in splits:
        assert_parted(split, subjects)
    sizes = [len(split.test) for split in splits]
    assert max(sizes) - min(sizes) <= 1
    for dataset in {dataset_of(subject) for subject in subjects}:
        shares = [sum(dataset_of(subject) == dataset for subject in split.test) for split in splits]
        assert max(shares) - min(shares) <= 1


def test_another_seed_gives_other_folds() -> None:
    assert k_fold(DALIA, 5, 1) != k_fold(DALIA, 5, 2)
    for folds in (2, 16):
        with pytest.raises(InputError, match=f"{folds} folds of 15 subjects"):
            k_fold(DALIA, folds, 1)


def test_the_folds_of_pulse() -> None:
    splits = {split.name: split for split in pulse_folds(DALIA)}
    assert sorted(splits) == DALIA
    assert splits["dalia_06"].validation == {"dalia_05", "dalia_07", "dalia_08"}
    assert splits["dalia_14"].validation == {"dalia_13", "dalia_15"}
    assert splits["dalia_01"].train == set(DALIA[4:])
    for split in splits.values():
        assert_parted(split, set(DALIA))
    with pytest.raises(InputError, match="dalia_01 to dalia_15"):
        pulse_folds(DALIA[:-1])


@settings(deadline=None)
@given(subjects=SUBJECTS, seed=st.integers(0, 100))
def test_cross_dataset_parts_whole_data_sets(subjects: set[str], seed: int) -> None:
    subjects = {subject for subject in subjects if dataset_of(subject) in ("dalia", "ieee", "bami1")}
    subjects |= {"dalia_x1", "dalia_x2", "ieee_x1", "bami1_x1"}
    split = cross_dataset(subjects, ["dalia", "ieee"], ["bami1"], validation_subjects=1, seed=seed)
    assert_parted(split, subjects)
    assert {dataset_of(subject) for subject in split.test} == {"bami1"}
    assert {dataset_of(subject) for subject in split.train | split.validation} == {"dalia", "ieee"}
    assert len(split.validation) == 1
    assert split.cautions == ()


def test_cross_dataset_refuses_what_cannot_be_kept_apart() -> None:
    with pytest.raises(InputError, match="no subject of data set wesad"):
        cross_dataset(DALIA, ["dalia"], ["wesad"], validation_subjects=0, seed=0)
    with pytest.raises(InputError, match="in train and in test"):
        cross_dataset(DALIA, ["dalia"], ["dalia"], validation_subjects=0, seed=0)
    with pytest.raises(InputError, match="data set ieee is neither"):
        cross_dataset([*DALIA, "ieee_1", "synth_1"], ["dalia"], ["synth"], validation_subjects=0, seed=0)
    both = ["bami1_01", "bami1_02", "bami2_01"]
    with pytest.raises(InputError, match="bami1 and bami2 come from one laboratory"):
        cross_dataset(both, ["bami1"], ["bami2"], validation_subjects=0, seed=0)
    allowed = cross_dataset(both, ["bami1"], ["bami2"], validation_subjects=0, seed=0, allow_related=True)
    assert allowed.cautions == ("bami1 and bami2 come from one laboratory and may share participants",)


def test_two_copies_of_one_data_set_are_never_on_two_sides() -> None:
    copies = ["bami1_01", "bami1-original_05", "ieee_1"]
    with pytest.raises(InputError, match="are the same people"):
        by_parts("mixed", ["bami1_01"], [], copies)
    with pytest.raises(InputError, match="are the same people"):
        cross_dataset(
            copies[:2], ["bami1-original"], ["bami1"], validation_subjects=0, seed=0, allow_related=True
        )
    assert by_parts("together", ["ieee_1"], [], copies).train == {"bami1_01", "bami1-original_05"}


@settings(deadline=None)
@given(st.sets(st.sampled_from(DALIA)), st.sets(st.sampled_from(DALIA)), st.sets(st.sampled_from(DALIA)))
def test_a_split_cannot_be_made_with_a_subject_on_two_sides(
    train: set[str], validation: set[str], test: set[str]
) -> None:
    overlap = train & validation | train & test | validation & test
    if train and test and not overlap:
        Split("ok", frozenset(train), frozenset(validation), frozenset(test))
    else:
        with pytest.raises(InputError):
            Split("not", frozenset(train), frozenset(validation), frozenset(test))


@settings(max_examples=25, deadline=None)
@given(
    owners=st.lists(st.integers(0, 5), min_size=8, max_size=14).filter(lambda owners: len(set(owners)) >= 3),
    seed=st.integers(0, 50),
)
def test_no_sample_of_a_test_subject_reaches_the_training(owners: list[int], seed: int) -> None:
    """Several recordings a subject, each full of its own number: the numbers say whose windows came back."""
    recordings = [recording(f"ieee_te0{owner}", number) for number, owner in enumerate(owners)]
    numbers_of = {
        subject: {float(number) for number, owner in enumerate(owners) if f"ieee_te0{owner}" == subject}
        for subject in subjects_of(recordings)
    }
    for split in k_fold(subjects_of(recordings), 3, seed):
        division = split.divide(recordings)
        seen = {
            part: set(np.unique(window_set(getattr(division, part)).x).tolist())
            for part in ("train", "validation", "test")
        }
        for part, subjects in (
            ("train", split.train),
            ("validation", split.validation),
            ("test", split.test),
        ):
            assert seen[part] == set().union(*(numbers_of[subject] for subject in subjects))
        assert not seen["train"] & seen["test"]
        assert not seen["train"] & seen["validation"]
        assert not seen["validation"] & seen["test"]


def test_normalisation_of_a_split_knows_nothing_of_the_test_subjects() -> None:
    rng = np.random.default_rng(0)
    recordings = [recording(f"synth_{number}", number) for number in range(6)]
    noisy = [
        Recording(
            **{name: getattr(one, name) for name in one.__dataclass_fields__} | {"signal": one.signal + noise}
        )
        for one, noise in zip(recordings, rng.standard_normal((6, 4, 1920)).astype(np.float32), strict=True)
    ]
    split = k_fold(subjects_of(noisy), 3, 0)[0]
    extreme = [
        Recording(
            **{name: getattr(one, name) for name in one.__dataclass_fields__} | {"signal": one.signal * 1e6}
        )
        if one.subject in split.test
        else one
        for one in noisy
    ]
    fitted = [
        fit_normalisation(window_set(split.divide(variant).train).x, [Rule.FIXED] * 4)
        for variant in (noisy, extreme)
    ]
    np.testing.assert_array_equal(fitted[0].mean, fitted[1].mean)
    np.testing.assert_array_equal(fitted[0].std, fitted[1].std)


def test_recordings_and_split_must_name_the_same_subjects() -> None:
    recordings = [recording(f"ieee_{number}", number) for number in range(4)]
    split = by_parts("one", ["ieee_0"], ["ieee_1"], [f"ieee_{number}" for number in range(4)])
    with pytest.raises(InputError, match=r"without recording \['ieee_3'\]"):
        split.divide(recordings[:-1])
    with pytest.raises(InputError, match=r"not in the split \['ieee_9'\]"):
        split.divide([*recordings, recording("ieee_9", 9)])


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 37), length=st.integers(16, 40))
def test_a_trimmed_copy_under_another_name_is_found(cut: int, length: int) -> None:
    """Any 16 windows or more of one recording, under another subject's id."""
    whole = recording("bami1_01", 1, seconds=160)
    part = whole.hr[cut : cut + length]
    copy = recording("bami2_07", 2, seconds=2 * part.size + 6, hr=part)
    with pytest.raises(InputError, match=r"bami1_01.*bami2_07.*are one recording"):
        check_distinct([whole, recording("ieee_1", 3), copy])
    check_distinct([whole, recording("bami1_01", 2, seconds=2 * part.size + 6, hr=part)])


def test_dividing_and_loading_look_for_copies(tmp_path: Path) -> None:
    whole = recording("ieee_1", 1)
    copy = recording("synth_2", 2, hr=whole.hr)
    with pytest.raises(InputError, match="are one recording"):
        by_parts("copies", ["ieee_1"], [], ["ieee_1", "synth_2"]).divide([whole, copy])
    contents = dalia_contents(1, seconds=100)
    for number in (1, 2):
        write_wristband_pickle(tmp_path / f"S{number}.pkl", contents | {"subject": f"S{number}"})
    with pytest.raises(InputError, match=r"S1\.pkl.*S2\.pkl.*are one recording"):
        load_recordings("dalia", tmp_path, Processing())


def test_steady_heart_rates_of_two_people_are_no_copy() -> None:
    steady = np.full(27, 72.0)
    check_distinct([recording("ieee_1", 1, hr=steady), recording("ieee_2", 2, hr=steady)])
