"""Running the command line as a user does: another process, another folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "models" / "pulse-demo"
requires_compiler = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)
requires_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"
)


def ppg_deploy(
    *arguments: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    program: Path | None = None,
    timeout_s: float = 240,
) -> subprocess.CompletedProcess[str]:
    """One call of ppg-deploy in a folder; standard output and error as text."""
    tool = program if program is not None else Path(sys.executable).parent / "ppg-deploy"
    return subprocess.run(
        [str(tool), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
    )


def succeeded(result: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    """The result of a call that must have worked."""
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def copy_demo(folder: Path) -> Path:
    """The demo student as a user would have it: model, card and calibration windows in a folder."""
    for name in ("student.onnx", "student.toml", "student.calib.npz"):
        shutil.copy(DEMO / name, folder / name)
    return folder
