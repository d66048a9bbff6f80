"""Who is trained on and who is tested on. A split is made of subject ids, before any window is cut."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.data.people import PERHAPS_SAME_PEOPLE, SAME_PEOPLE, check_distinct, shared_people
from models.data.recording import Recording, dataset_of
from ppg_deploy.errors import InputError

# KD_PULSE: the groups of DaLiA subjects; the test subject's group mates choose the epoch.
PULSE_GROUPS = ((5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15), (1, 2, 3, 4))


@dataclass(frozen=True)
class Division:
    """Recordings by what they are for. No subject is in two of the three."""

    train: tuple[Recording, ...]
    validation: tuple[Recording, ...]
    test: tuple[Recording, ...]


@dataclass(frozen=True)
class Split:
    """Three sets of subjects without a common member.

    Attributes:
        name: what is tested, for tables.
        train: subjects whose windows fit the weights and the normalisation.
        validation: subjects that choose the epoch or the settings; may be empty.
        test: subjects that only the reported error is measured on.
        cautions: why the parts may share a person all the same; empty when nothing speaks for it.

    Raises:
        InputError: nobody to train or to test on, a subject in two parts, or the same people under two names.
    """

    name: str
    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]
    cautions: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.train or not self.test:
            raise InputError(
                f"split {self.name}: {len(self.train)} subjects to train on, {len(self.test)} to test on",
                hint="a split needs both; add subjects or use fewer folds",
            )
        cautions = set()
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
            common = parts[first] & parts[second]
            if common:
                raise InputError(
                    f"split {self.name}: {', '.join(sorted(common))} in {first} and in {second}",
                    hint="put each subject into one part",
                )
            same = shared_people(parts[first], parts[second], SAME_PEOPLE)
            if same is not None:
                raise InputError(
                    f"split {self.name}: {' and '.join(sorted(same))}, in {first} and {second}, are the same people",
                    hint="use one of the two",
                )
            perhaps = shared_people(parts[first], parts[second], PERHAPS_SAME_PEOPLE)
            if perhaps is not None:
                cautions.add(
                    f"{' and '.join(sorted(perhaps))} come from one laboratory and may share participants"
                )
        object.__setattr__(self, "cautions", tuple(sorted(cautions)))

    def divide(self, recordings: Iterable[Recording]) -> Division:
        """Sort recordings into the three parts; cut windows from what comes back.

        Raises:
            InputError: a recording's subject is in no part, a subject of the split has no recording, or two
                subjects are one person by their heart rates.
        """
        every = tuple(recordings)
        check_distinct(every)
        known = self.train | self.validation | self.test
        present = {recording.subject for recording in every}
        if present != known:
            raise InputError(
                f"split {self.name}: without recording {sorted(known - present)}, "
                f"not in the split {sorted(present - known)}",
                hint="make the split from the subjects of these very recordings",
            )
        train, validation, test = (
            tuple(recording for recording in every if recording.subject in part)
            for part in (self.train, self.validation, self.test)
        )
        return Division(train, validation, test)


def subjects_of(recordings: Iterable[Recording]) -> list[str]:
    """Subject ids, each once, in order."""
    return sorted({recording.subject for recording in recordings})


def by_parts(name: str, test: Collection[str], validation: Collection[str], subjects: Iterable[str]) -> Split:
    """Test and validate on the given subjects, train on all others of `subjects`.

    Raises:
        InputError: see `Split`.
    """
    others = frozenset(subjects) - frozenset(test) - frozenset(validation)
    return Split(name, others, frozenset(validation), frozenset(test))


def leave_one_subject_out(subjects: Iterable[str], validation_subjects: int, seed: int) -> list[Split]:
    """One split a subject, which is tested on; `validation_subjects` of the others validate, chosen by the seed.

    Raises:
        InputError: too few subjects.
    """
    ids = sorted(set(subjects))
    rng = np.random.Generator(np.random.PCG64(seed))
    splits = []
    for test in ids:
        others = [subject for subject in ids if subject != test]
        validation = [others[index] for index in rng.permutation(len(others))[:validation_subjects]]
        splits.append(by_parts(test, [test], validation, ids))
    return splits


def k_fold(subjects: Iterable[str], folds: int, seed: int) -> list[Split]:
    """`folds` splits that test on every subject once; the next fold validates.

    Subjects of each data set are dealt out evenly, in an order that the seed decides.

    Raises:
        InputError: fewer than 3 folds, or fewer subjects than folds.
    """
    ids = sorted(set(subjects))
    if not 3 <= folds <= len(ids):
        raise InputError(
            f"{folds} folds of {len(ids)} subjects", hint="use 3 folds or more, and no more than subjects"
        )
    rng = np.random.Generator(np.random.PCG64(seed))
    shuffled = [ids[index] for index in rng.permutation(len(ids))]
    dealt = sorted(shuffled, key=dataset_of)
    groups = [dealt[fold::folds] for fold in range(folds)]
    return [
        by_parts(f"fold {fold + 1} of {folds}", groups[fold], groups[(fold + 1) % folds], ids)
        for fold in range(folds)
    ]


def pulse_folds(subjects: Iterable[str]) -> list[Split]:
    """The 15 splits of the PULSE authors: test one subject of DaLiA, validate on the rest of its group.

    Raises:
        InputError: not exactly the subjects dalia_01 to dalia_15.
    """
    groups = [[f"dalia_{number:02d}" for number in group] for group in PULSE_GROUPS]
    ids = sorted(subject for group in groups for subject in group)
    if sorted(set(subjects)) != ids:
        raise InputError(
            "PULSE's folds are made of dalia_01 to dalia_15", hint="load all 15 subjects of PPG-DaLiA"
        )
    return [
        by_parts(test, [test], [mate for mate in group if mate != test], ids)
        for group in groups
        for test in group
    ]


def cross_dataset(
    subjects: Iterable[str],
    train: Sequence[str],
    test: Sequence[str],
    *,
    validation_subjects: int,
    seed: int,
    allow_related: bool = False,
) -> Split:
    """Train on some data sets, test on others; `validation_subjects` of the former validate, chosen by the seed.

    Args:
        subjects: ids of all subjects of these data sets.
        train: names of data sets.
        test: names of data sets.
        validation_subjects: how many subjects of the training sets validate.
        seed: decides which.
        allow_related: accept data sets of one laboratory, which may share participants, on both sides.

    Raises:
        InputError: a data set without subjects, on both sides or in no list, or related ones that are not allowed.
    """
    ids = sorted(set(subjects))
    unnamed = {dataset_of(subject) for subject in ids} - {*train, *test}
    if unnamed:
        raise InputError(
            f"data set {', '.join(sorted(unnamed))} is neither trained nor tested on",
            hint="leave its subjects out",
        )
    of_set = {name: [subject for subject in ids if dataset_of(subject) == name] for name in (*train, *test)}
    for name, members in of_set.items():
        if not members:
            raise InputError(f"no subject of data set {name}", hint="load it first, or leave it out")
    candidates = sorted({subject for name in train for subject in of_set[name]})
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = frozenset(candidates[index] for index in rng.permutation(len(candidates))[:validation_subjects])
    split = Split(
        f"{'+'.join(train)} to {'+'.join(test)}",
        frozenset(candidates) - chosen,
        chosen,
        frozenset(subject for name in test for subject in of_set[name]),
    )
    if shared_people(candidates, split.test, PERHAPS_SAME_PEOPLE) is not None and not allow_related:
        raise InputError(
            f"split {split.name}: {split.cautions[0]}",
            hint="choose unrelated data sets, or allow it and say so beside the result",
        )
    return split
