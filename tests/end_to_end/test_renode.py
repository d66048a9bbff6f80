"""bench --emulator renode: with Renode where there is one, and always with a program that behaves like it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.ports.renode_program import find_renode
from tests.support.commands import DEMO, REPOSITORY, copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.fake_renode import log_of, put_fake_renode
from tests.support.pty_board import compile_project

pytestmark = requires_compiler

BOARDS = ("nucleo-l476rg", "b-l475e-iot01a", "nrf52840-dk", "netduinoplus2")
WINDOWS = 4


def why_no_renode() -> str | None:
    try:
        find_renode(None)
    except EnvironmentProblem as problem:
        return problem.message
    return None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("a student for renode"))
    data = np.load(DEMO / "test.npz")
    np.savez(folder / "few.npz", **{name: data[name][:WINDOWS] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    return folder


def built(folder: Path, board: str) -> str:
    """The folder of results of this board."""
    out = f"build-{board}"
    if not (folder / out).exists():
        (folder / out).mkdir()
        for name in ("quantize.json", "model.tflite"):
            (folder / out / name).write_bytes((folder / "build" / name).read_bytes())
        succeeded(ppg_deploy("build", "--board", board, "--out", out, folder=folder))
    return out


def report_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "report.json").read_text()))


def test_bench_through_the_driver(folder: Path, tmp_path: Path) -> None:
    out = built(folder, "nucleo-l476rg")
    device = compile_project(folder / out / "firmware", tmp_path / "device")
    renode = put_fake_renode(tmp_path / "bin", device)
    succeeded(
        ppg_deploy(
            *("bench", "--emulator", "renode", "--renode", renode, "--data", "few.npz", "--out", out),
            folder=folder,
            timeout_s=120,
        )
    )
    report = report_of(folder / out)
    assert report["emulator"] == "renode"
    assert report["port"] == "renode 1.16.1.20260101 nucleo-l476rg"
    assert report["outputs"]["compared"] == WINDOWS
    assert report["outputs"]["mismatched"] == 0
    # An emulator measures no time.
    assert report["cost"]["cycles"] is None
    assert report["cost"]["latency_ms"] is None
    assert log_of(renode)[-1]["keyword"] == "StopRemoteServer"


def test_refusals(folder: Path) -> None:
    out = built(folder, "nucleo-l476rg")
    common = ("bench", "--data", "few.npz", "--out", out)
    absent = ppg_deploy(*common, "--emulator", "renode", "--renode", "/nothing/renode", folder=folder)
    assert absent.returncode == 3
    assert "/nothing/renode is no program" in " ".join(absent.stderr.split())
    unused = ppg_deploy(*common, "--emulator", "unicorn", "--renode", "renode", folder=folder)
    assert unused.returncode == 2
    assert "--emulator renode" in unused.stderr


def test_board_that_renode_does_not_model(folder: Path) -> None:
    out = built(folder, "nucleo-f446re")
    result = ppg_deploy("bench", "--emulator", "renode", "--data", "few.npz", "--out", out, folder=folder)
    assert result.returncode == 2
    said = " ".join(result.stderr.split())
    assert "renode has no model of board nucleo-f446re" in said
    for board in BOARDS:
        assert board in said


@pytest.mark.renode
@pytest.mark.skipif(why_no_renode() is not None, reason=f"no Renode: {why_no_renode()}")
@pytest.mark.parametrize("board", BOARDS)
def test_bench_in_renode(folder: Path, board: str) -> None:
    out = built(folder, board)
    succeeded(
        ppg_deploy(
            *("bench", "--emulator", "renode", "--data", "few.npz", "--out", out),
            folder=folder,
            timeout_s=280,
        )
    )
    report = report_of(folder / out)
    assert report["outputs"]["mismatched"] == 0
    assert report["device"]["counter"] == "dwt"
    assert report["device"]["problems"] == []
    in_renode = report["cost"]["instructions"]
    succeeded(
        ppg_deploy(
            *("bench", "--emulator", "unicorn", "--data", "few.npz", "--out", out, "--count", WINDOWS),
            folder=folder,
        )
    )
    in_unicorn = report_of(folder / out)["cost"]["instructions"]
    # Interrupts and the reading of the counter are in Renode's figure only.
    assert in_renode["median"] == pytest.approx(in_unicorn["median"], rel=0.001)


@pytest.mark.renode
@pytest.mark.skipif(why_no_renode() is not None, reason=f"no Renode: {why_no_renode()}")
@pytest.mark.parametrize("board", BOARDS)
def test_hardware_suite_in_renode(folder: Path, tmp_path: Path, board: str) -> None:
    robot = pytest.importorskip("robot", reason="the package robotframework is not installed (extra [dev])")
    status = robot.run(
        str(REPOSITORY / "emulation" / "renode" / "firmware.robot"),
        variable=[f"BOARD:{board}", f"ELF:{folder / built(folder, board) / 'firmware' / 'firmware.elf'}"],
        outputdir=str(tmp_path),
    )
    assert status == 0, (tmp_path / "output.xml").read_text()[-4000:]


@pytest.mark.renode
@pytest.mark.skipif(why_no_renode() is not None, reason=f"no Renode: {why_no_renode()}")
def test_platforms_in_renode(tmp_path: Path) -> None:
    robot = pytest.importorskip("robot", reason="the package robotframework is not installed (extra [dev])")
    suite = REPOSITORY / "emulation" / "renode" / "platforms.robot"
    status = robot.run(str(suite), outputdir=str(tmp_path))
    assert status == 0, (tmp_path / "output.xml").read_text()[-4000:]
