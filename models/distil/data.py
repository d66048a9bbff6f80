"""The windows that a distillation file names."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from models.data.cutting import window_set
from models.data.recording import Recording
from models.data.selection import divided, recordings_of
from models.data.settings import RecordingsTable
from models.distil.settings import DataSettings
from models.synth import WindowSet, generate_window_set
from models.training.split import SubjectSplit, window_set_of_file
from ppg_deploy.errors import InputError


def split_of(settings: DataSettings) -> SubjectSplit:
    """Generate or read training, validation and test windows.

    Raises:
        InputError: a file or data set cannot be read, or a subject is in two parts.
    """
    if settings.recordings is not None:
        return _split_of_recordings(settings.recordings, recordings_of(settings.recordings))
    if settings.files is not None:
        files = settings.files
        return SubjectSplit(
            window_set_of_file(files.train),
            window_set_of_file(files.validation),
            window_set_of_file(files.test),
        )
    table = settings.synthetic
    assert table is not None
    return SubjectSplit(
        generate_window_set(table.train_seeds, table.seconds_per_subject),
        generate_window_set(table.validation_seeds, table.seconds_per_subject),
        generate_window_set(table.test_seeds, table.seconds_per_subject),
    )


def splits_of(settings: Mapping[str, DataSettings]) -> Iterator[tuple[str, SubjectSplit]]:
    """The windows of several settings, one after the other; recordings that they share are read once.

    Raises:
        InputError: as `split_of`.
    """
    kept: tuple[RecordingsTable, Sequence[Recording]] | None = None
    for name, each in settings.items():
        table = each.recordings
        if table is None:
            yield name, split_of(each)
            continue
        if kept is None or kept[0].model_copy(update={"split": table.split}) != table:
            kept = table, recordings_of(table)
        yield name, _split_of_recordings(table, kept[1])


def _split_of_recordings(table: RecordingsTable, recordings: Sequence[Recording]) -> SubjectSplit:
    split, parts = divided(table, recordings)
    if not parts.validation:
        raise InputError(
            f"split {split.name}: nobody validates", hint="early stopping needs validation subjects"
        )
    return SubjectSplit(
        _joined([_thinned(window_set([recording]), table.train_every) for recording in parts.train]),
        window_set(parts.validation),
        window_set(parts.test),
        cautions=split.cautions,
    )


def _thinned(windows: WindowSet, every: int) -> WindowSet:
    return windows.pick(np.arange(0, windows.hr.size, every))


def _joined(parts: list[WindowSet]) -> WindowSet:
    return WindowSet(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.hr for part in parts]),
        np.concatenate([part.subject for part in parts]),
        np.concatenate([part.start_s for part in parts]),
    )
