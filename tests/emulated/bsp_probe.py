"""Builds an image of the board support alone, with a text console in place of application, protocol and model."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.building import BuildResult, build_firmware
from ppg_deploy.project import ModelSources, render_project

PROBE_MODEL = ModelSources(
    runtime="aot",
    files={"model.h": "/* no model: the board support is tested on its own */\n"},
    model_sha256="0" * 64,
    kernel_files=(),
    arena_bytes=0,
    arena_symbol="ppg_model_arena",
)


RUN_LIMIT_MS = 500


def build_probe(board_name: str, folder: Path, *, boards_dirs: Sequence[Path] = ()) -> BuildResult:
    """The probe for one board; skips the test where the compiler is absent."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    board = load_board(board_name, boards_dirs=boards_dirs).model_copy(update={"run_limit_ms": RUN_LIMIT_MS})
    project = render_project(board=board, model=PROBE_MODEL, folder=folder)
    shutil.rmtree(folder / "src" / "app")
    shutil.rmtree(folder / "src" / "protocol")
    (folder / "src" / "probe").mkdir()
    shutil.copy(Path(__file__).parent / "bsp_probe_sources" / "main.c", folder / "src" / "probe" / "main.c")
    return build_firmware(project, verbose=True)


def fields(line: str) -> dict[str, int]:
    """Numbers of a line like "BOOT clk=80000000 status=0"."""
    return {name: int(value) for name, _, value in (word.partition("=") for word in line.split()[1:])}
