"""From the tables of a TOML file to recordings, parted by subjects."""

from collections.abc import Sequence

from models.data.recording import Recording
from models.data.settings import (
    CrossDatasetTable,
    KFoldTable,
    LeaveOneOutTable,
    PulseFoldTable,
    RecordingsTable,
    SplitTable,
)
from models.data.sources import load_recordings
from models.data.splits import (
    Division,
    Split,
    cross_dataset,
    k_fold,
    leave_one_subject_out,
    pulse_folds,
    subjects_of,
)
from ppg_deploy.errors import InputError


def recordings_of(table: RecordingsTable) -> list[Recording]:
    """Read and process the recordings of all sources.

    Raises:
        InputError: a source cannot be read.
    """
    recordings: list[Recording] = []
    for source in table.sources:
        recordings += load_recordings(source.name, source.folder, table.processing, without=source.without)
    return recordings


def divided(table: RecordingsTable, recordings: Sequence[Recording]) -> tuple[Split, Division]:
    """Part recordings, those of `recordings_of`, by the table's split.

    Raises:
        InputError: the split does not fit their subjects.
    """
    split = split_of_table(table.split, subjects_of(recordings))
    return split, split.divide(recordings)


def split_of_table(table: SplitTable, subjects: list[str]) -> Split:
    """The one split of these subjects that a table names.

    Raises:
        InputError: no such fold or subject, or as the functions of `models.data.splits`.
    """
    match table:
        case KFoldTable():
            folds = k_fold(subjects, table.folds, table.seed)
            if table.fold > len(folds):
                raise InputError(
                    f"split.fold is {table.fold}, there are {table.folds} folds", hint="folds count from 1"
                )
            return folds[table.fold - 1]
        case LeaveOneOutTable():
            return _tested_on(
                table.subject, leave_one_subject_out(subjects, table.validation_subjects, table.seed)
            )
        case PulseFoldTable():
            return _tested_on(table.subject, pulse_folds(subjects))
        case CrossDatasetTable():
            return cross_dataset(
                subjects,
                table.train,
                table.test,
                validation_subjects=table.validation_subjects,
                seed=table.seed,
                allow_related=table.allow_related,
            )


def _tested_on(subject: str, splits: list[Split]) -> Split:
    for split in splits:
        if split.test == {subject}:
            return split
    raise InputError(
        f"split.subject: the sources hold no subject {subject!r}",
        hint="subject ids look like dalia_06; `python -m models.data` lists the sources",
    )
