"""inspect()."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import files
from ppg_deploy.api.names import FilePath

if TYPE_CHECKING:
    from ppg_deploy.audit import AuditReport


def inspect(
    model: FilePath, *, out: FilePath | None = None, boards_dirs: Sequence[Path] = ()
) -> "AuditReport":
    """What a .tflite file of any origin holds, what is wrong with it, and on which boards it would fit.

    Args:
        model: the .tflite file.
        out: folder for inspect.json; None writes nothing.
        boards_dirs: folders with boards of the user's own.

    Raises:
        InputError: the file cannot be read as TensorFlow Lite. Errors in the model are findings of the report.
    """
    from ppg_deploy.audit import INSPECT_NAME, audit_file

    report = audit_file(Path(model), boards_dirs=boards_dirs)
    if out is not None:
        files.write_text(Path(out) / INSPECT_NAME, report.model_dump_json(indent=2) + "\n")
    return report
