"""One row a trained student: what a study hands to its summary, its curve and its picture."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from ppg_deploy.files import write_text

SCRATCH = "scratch"


@dataclass(frozen=True)
class StudyRow:
    """A student after training, measured on test subjects that neither it nor its teacher has seen.

    Attributes:
        student: network, a name of `models/students/registry.py`.
        teacher: name of the teacher in the study file; None for a student trained on the labels alone.
        strategy: name of the strategy in the study file; "scratch" is training on the labels alone.
        split: which subjects were held out.
        seed: of the student's training.
        parameters: trainable parameters that the export holds.
        macs: multiply-accumulates of a window; None: not published.
        windows: test windows.
        mae_float: mean absolute error on them in BPM, of the exported float model.
        mae_int8: the same of the int8 model.
        mae_constant: error of always answering with the mean of the test labels.
        model_bytes: size of the int8 model.
        best_epoch: the one kept.
        epochs: trained.
        mae_by_subject: error of the float model in BPM by test subject; not part of the CSV.
        folder: holds student.onnx, student.toml, student.calib.npz and test.npz, relative to the study's folder.
    """

    student: str
    teacher: str | None
    strategy: str
    split: str
    seed: int
    parameters: int
    macs: int | None
    windows: int
    mae_float: float
    mae_int8: float
    mae_constant: float
    model_bytes: int
    best_epoch: int
    epochs: int
    mae_by_subject: Mapping[str, float]
    folder: str


def write_csv(path: Path, rows: Sequence[StudyRow]) -> None:
    """Write the rows as CSV with a header, without their subjects; an absent value is an empty cell.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    text = io.StringIO()
    columns = [field.name for field in fields(StudyRow) if field.name != "mae_by_subject"]
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_text(path, text.getvalue())
