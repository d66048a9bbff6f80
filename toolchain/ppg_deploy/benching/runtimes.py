"""Which of two firmware projects to bench, and whether two reports may stand side by side."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ppg_deploy.errors import InputError
from ppg_deploy.project import MANIFEST_NAME, load_manifest
from ppg_deploy.report import Report

Runtime = Literal["aot", "tflm"]


def folders_to_bench(
    main: Path, beside: Path, wanted: Runtime | Literal["both"] | None, *, is_emulated: bool
) -> tuple[Path, ...]:
    """The projects to bench, aot first.

    Args:
        main: OUT/firmware, of any runtime.
        beside: OUT/firmware-tflm; it may be missing, or be left over from another model.
        wanted: None for both where an emulator can run both, else for `main`.
        is_emulated: an emulator runs it; a board holds one image at a time.

    Raises:
        InputError: what is wanted was not built, or cannot run at once.
    """
    runtime = load_manifest(main).runtime
    is_pair = runtime == "aot" and _belong_together(main, beside)
    if wanted == "both" and not is_emulated:
        raise InputError(
            "a board holds one image at a time",
            hint="flash and bench one after the other, with --runtime aot and --runtime tflm",
        )
    if wanted is None:
        return (main, beside) if is_pair and is_emulated else (main,)
    if wanted == runtime:
        return (main,)
    if not is_pair:
        raise InputError(
            f"{main.parent} holds no build with runtime {wanted} of the same model for the same board",
            hint=f"run ppg-deploy build --runtime {'aot' if wanted == 'aot' else 'both'}",
        )
    return (main, beside) if wanted == "both" else (beside,)


def _belong_together(main: Path, beside: Path) -> bool:
    if not (beside / MANIFEST_NAME).is_file():
        return False
    first, second = load_manifest(main), load_manifest(beside)
    return (first.model_sha256, first.board) == (second.model_sha256, second.board)


def comparable_report(path: Path, report: Report) -> Report | None:
    """The report in `path` when it is of the same model, board, windows and kind of port; None otherwise."""
    try:
        other = Report.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    same = all(
        first == second
        for first, second in (
            (other.model.sha256, report.model.sha256),
            (other.board, report.board),
            (other.emulator, report.emulator),
            (other.input.sha256, report.input.sha256),
        )
    )
    return other if same and other.runtime != report.runtime else None
