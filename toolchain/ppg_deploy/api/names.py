"""What the steps call their results in the output folder."""

from os import PathLike
from pathlib import Path
from typing import Literal, overload

FilePath = str | PathLike[str]
"""What callers may give as a path."""

FIRMWARE_FOLDER = "firmware"
TFLM_FOLDER = "firmware-tflm"
REPORT_NAME = "report.json"
OUTPUTS_NAME = "outputs.npz"
TFLM_REPORT_NAME = "report-tflm.json"
TFLM_OUTPUTS_NAME = "outputs-tflm.npz"
RESULTS_FOLDER = "results"
PAGE_NAME = "report.html"
SWEEP_NAME = "sweep.json"
DEFAULT_OUT = Path("build")
DEFAULT_COUNT = 16
Emulator = Literal["unicorn", "qemu", "renode"]


@overload
def as_path(path: FilePath) -> Path: ...
@overload
def as_path(path: FilePath | None) -> Path | None: ...
def as_path(path: FilePath | None) -> Path | None:
    """`path` as the steps take it."""
    return None if path is None else Path(path)


def ignore_line(text: str) -> None:
    """Stands in where the caller wants to hear nothing."""


def ignore_progress(done: int, total: int) -> None:
    """Stands in where the caller wants no progress."""


def report_name(folder: str) -> str:
    """Name of the report of the firmware project `folder`."""
    return TFLM_REPORT_NAME if folder == TFLM_FOLDER else REPORT_NAME
