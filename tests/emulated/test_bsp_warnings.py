"""The board support compiles without a warning under stricter flags than the firmware's own."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from bsp_probe import PROBE_MODEL

from ppg_deploy.boards import Board, list_boards
from ppg_deploy.project import render_project

pytestmark = pytest.mark.arm

STRICT = ("-O2", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Wundef")


@pytest.mark.parametrize("board", list_boards(), ids=lambda board: board.id)
def test_no_warnings(board: Board, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    render_project(board=board, model=PROBE_MODEL, folder=tmp_path)
    folders = re.findall(r"^  (-I\S+)$", (tmp_path / "platformio.ini").read_text(), re.MULTILINE)
    sources = [str(path) for path in sorted((tmp_path / "src" / "bsp").rglob("*.c"))]
    assert len(sources) >= 8
    core = ("-mthumb", f"-mcpu={board.core.cpu}", f"-mfpu={board.core.fpu}", "-mfloat-abi=hard")
    command = [
        "arm-none-eabi-gcc",
        "-std=gnu11",
        *core,
        *STRICT,
        "-Iinclude",
        *folders,
        "-fsyntax-only",
        *sources,
    ]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
