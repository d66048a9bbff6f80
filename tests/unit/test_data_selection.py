"""Recordings and splits as a distillation file names them."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.data import Processing, k_fold, load_recordings, window_set
from models.data.selection import divided, recordings_of, split_of_table
from models.data.settings import RecordingsTable, SplitTable
from models.distil.data import split_of, splits_of
from models.distil.settings import DataSettings, read_settings
from ppg_deploy.errors import InputError
from tests.support.published_data import dalia_contents, write_wristband_pickle
from tests.support.shared_data import SHARED, requires_shared

SUBJECTS = [f"dalia_{number:02d}" for number in range(1, 16)]
SPLIT: TypeAdapter[SplitTable] = TypeAdapter(SplitTable)


@pytest.fixture(scope="module")
def dalia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dalia")
    for number in range(1, 7):
        write_wristband_pickle(folder / f"S{number}.pkl", dalia_contents(number))
    return folder


def table(folder: Path, **changes: object) -> RecordingsTable:
    fields = {
        "sources": [{"name": "dalia", "folder": folder}],
        "split": {"kind": "k-fold", "folds": 3, "fold": 2, "seed": 4},
    }
    return RecordingsTable.model_validate({**fields, **changes})


def test_windows_are_those_of_the_split(dalia: Path) -> None:
    recordings = load_recordings("dalia", dalia, Processing())
    (_, expected, _) = k_fold([recording.subject for recording in recordings], 3, 4)
    parts = split_of(DataSettings(recordings=table(dalia)))
    for part, subjects in (
        (parts.train, expected.train),
        (parts.validation, expected.validation),
        (parts.test, expected.test),
    ):
        wanted = window_set([recording for recording in recordings if recording.subject in subjects])
        assert set(part.subject) == subjects
        np.testing.assert_array_equal(part.x, wanted.x)
        np.testing.assert_array_equal(part.hr, wanted.hr)


def test_several_splits_read_recordings_once(dalia: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        "one": table(dalia),
        "two": table(dalia, split={"kind": "k-fold", "folds": 3, "fold": 3, "seed": 4}),
        "thinned": table(dalia, train_every=2),
    }
    expected = {name: split_of(DataSettings(recordings=each)).hashes for name, each in wanted.items()}
    read = []
    monkeypatch.setattr(
        "models.data.selection.load_recordings",
        lambda *args, **options: read.append(1) or load_recordings(*args, **options),
    )
    found = splits_of({name: DataSettings(recordings=each) for name, each in wanted.items()})
    assert {name: split.hashes for name, split in found} == expected
    assert len({str(hashes) for hashes in expected.values()}) == 3
    # "thinned" differs in more than its split.
    assert len(read) == 2


def test_only_training_windows_are_thinned(dalia: Path) -> None:
    every = split_of(DataSettings(recordings=table(dalia)))
    third = split_of(DataSettings(recordings=table(dalia, train_every=3)))
    for subject in np.unique(every.train.subject):
        all_rows, kept = every.train.subject == subject, third.train.subject == subject
        np.testing.assert_array_equal(third.train.start_s[kept], every.train.start_s[all_rows][::3])
        np.testing.assert_array_equal(third.train.x[kept], every.train.x[all_rows][::3])
    assert third.validation.hr.size == every.validation.hr.size
    assert third.test.hr.size == every.test.hr.size


def test_left_out_subjects_are_in_no_part(dalia: Path) -> None:
    sources = [{"name": "dalia", "folder": dalia, "without": ["dalia_03"]}]
    chosen = table(dalia, sources=sources)
    split, _ = divided(chosen, recordings_of(chosen))
    assert split.train | split.validation | split.test == {f"dalia_{n:02d}" for n in (1, 2, 4, 5, 6)}


def test_every_kind_of_split() -> None:
    one = split_of_table(
        SPLIT.validate_python(
            {"kind": "leave-one-subject-out", "subject": "dalia_07", "validation_subjects": 2}
        ),
        SUBJECTS,
    )
    assert one.test == {"dalia_07"} and len(one.validation) == 2 and len(one.train) == 12
    group = split_of_table(SPLIT.validate_python({"kind": "pulse", "subject": "dalia_14"}), SUBJECTS)
    assert group.test == {"dalia_14"} and group.validation == {"dalia_13", "dalia_15"}
    across = split_of_table(
        SPLIT.validate_python(
            {"kind": "cross-data-set", "train": ["dalia"], "test": ["ieee"], "validation_subjects": 3}
        ),
        [*SUBJECTS, "ieee_te01", "ieee_te02"],
    )
    assert across.test == {"ieee_te01", "ieee_te02"} and len(across.validation) == 3


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"kind": "k-fold", "folds": 5, "fold": 6}, "split.fold is 6"),
        ({"kind": "k-fold", "folds": 2}, "2 folds"),
        ({"kind": "leave-one-subject-out", "subject": "dalia_99"}, "no subject 'dalia_99'"),
        ({"kind": "pulse", "subject": "ieee_te01"}, "no subject 'ieee_te01'"),
    ],
)
def test_a_split_that_does_not_exist_is_named(fields: dict[str, object], part: str) -> None:
    with pytest.raises(InputError, match=part):
        split_of_table(SPLIT.validate_python(fields), SUBJECTS)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"sources": []}, "sources"),
        ({"rate_hz": 50}, "rate_hz"),
        ({"split": {"kind": "random"}}, "split"),
        ({"train_every": 0}, "train_every"),
    ],
)
def test_wrong_fields_are_named(changes: dict[str, object], part: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=part):
        table(tmp_path, **changes)


def test_folders_are_looked_for_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        """
[data.recordings]
sources = [{ name = "dalia", folder = "field-study" }]
split = { kind = "pulse", subject = "dalia_06" }
[student]
network = "pulse"
fit = { epochs = 1, patience = 1 }
[loss.hard]
[export]
name = "a"
"""
    )
    recordings = read_settings(tmp_path / "c.toml").data.recordings
    assert recordings is not None and recordings.sources[0].folder == tmp_path / "field-study"
    with pytest.raises(InputError, match="field-study"):
        recordings_of(recordings)


@requires_shared
def test_cautions_reach_the_split() -> None:
    sources = [{"name": "shared", "folder": SHARED / "data"}]
    split = split_of(DataSettings(recordings=table(SHARED / "data", sources=sources, train_every=50)))
    assert split.cautions == ("bami1 and bami2 come from one laboratory and may share participants",)
    assert not set(split.train.subject) & set(split.test.subject)
