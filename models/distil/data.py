"""The windows that a distillation file names."""

from models.distil.settings import DataSettings
from models.synth import generate_window_set
from models.training.split import SubjectSplit, window_set_of_file


def split_of(settings: DataSettings) -> SubjectSplit:
    """Generate or read training, validation and test windows.

    Raises:
        InputError: a file cannot be read, or a subject is in two parts.
    """
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
