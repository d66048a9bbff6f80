"""The wheel: built, installed into a clean virtual environment, and run from another folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.commands import REPOSITORY, copy_demo, ppg_deploy, requires_compiler, succeeded


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(REPOSITORY)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(folder.glob("ppg_deploy-*.whl"))


def test_wheel_carries_firmware_and_boards_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("firmware", "boards"):
        shipped = {
            f"ppg_deploy/shipped/{path.relative_to(REPOSITORY).as_posix()}"
            for path in (REPOSITORY / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert shipped
        assert shipped <= names
    assert not [name for name in names if name.endswith((".npz", ".onnx", ".pyc"))]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"ppg_deploy"}


@requires_compiler
def test_wheel_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True, timeout=120)
    subprocess.run(
        [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[emulator,golden]"],
        check=True,
        timeout=280,
    )
    work = tmp_path / "work"
    work.mkdir()
    copy_demo(work)
    program = environment / "bin" / "ppg-deploy"
    succeeded(ppg_deploy("quantize", "student.onnx", folder=work, program=program))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=work, program=program))
    result = succeeded(
        ppg_deploy("bench", "--emulator", "unicorn", "--count", "1", folder=work, program=program)
    )
    assert "160 of 160" in result.stdout
