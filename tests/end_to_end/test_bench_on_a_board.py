"""bench --port: flashes a board that runs another build, and finds its port."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy import api, attach
from ppg_deploy.errors import InputError
from ppg_deploy.ports import find
from ppg_deploy.ports.usb import PortInfo
from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.fake_tools import (
    NO_PROBE,
    OPENOCD_PROBE_IS_THERE,
    OPENOCD_VERIFIED,
    calls,
    path_with,
    put_tool,
)
from tests.support.pty_board import PtyBoard, compile_project, pty_board

pytestmark = requires_compiler

OLD_ID = "0123456789abcdef" * 4
WINDOWS = 4


@dataclass(frozen=True)
class Bench:
    """A built demo student with programs for the host: `old` reports another build, `new` the right one."""

    folder: Path
    old: Path
    new: Path

    @property
    def build_id(self) -> str:
        return str(json.loads((self.folder / "build" / "firmware" / "build.json").read_text())["build_id"])

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "build" / "report.json").read_text()))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = copy_demo(tmp_path_factory.mktemp("board"))
    data = np.load(DEMO / "test.npz")
    np.savez(folder / "few.npz", **{name: data[name][:WINDOWS] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    project = folder / "build" / "firmware"
    return Bench(
        folder,
        compile_project(project, folder / "old", build_id=OLD_ID),
        compile_project(project, folder / "new"),
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with an OpenOCD that finds a probe; writing makes the file `flashed`."""
    folder = tmp_path / "bin"
    flashed = tmp_path / "flashed"
    put_tool(folder, "openocd", f'{OPENOCD_PROBE_IS_THERE}touch "{flashed}"; sleep 0.3\n{OPENOCD_VERIFIED}')
    return folder


def run(bench: Bench, board: PtyBoard, tools: Path, *options: str) -> Any:
    (bench.folder / "build" / "report.json").unlink(missing_ok=True)
    return ppg_deploy(
        *("bench", "--port", board.port, "--data", "few.npz", *options),
        folder=bench.folder,
        environment={"PATH": path_with(tools)},
        timeout_s=60,
    )


def test_a_board_with_an_old_build_is_flashed_first(bench: Bench, tools: Path, tmp_path: Path) -> None:
    with pty_board(bench.old, bench.new, tmp_path / "flashed") as board:
        result = succeeded(run(bench, board, tools))
    assert OLD_ID in result.stderr
    assert "flashed by stlink" in result.stderr
    report = bench.report
    assert report["firmware"]["build_id"] == bench.build_id
    assert (report["outputs"]["compared"], report["outputs"]["mismatched"]) == (WINDOWS, 0)
    assert report["port"] == f"serial {board.port}"
    assert ["program" in call for call in calls(tools, "openocd")] == [False, True]


def test_a_board_with_the_right_build_is_not_flashed(bench: Bench, tools: Path, tmp_path: Path) -> None:
    with pty_board(bench.new, None, tmp_path / "flashed") as board:
        succeeded(run(bench, board, tools))
    assert bench.report["outputs"]["mismatched"] == 0
    assert calls(tools, "openocd") == []


def test_a_silent_board_is_flashed(bench: Bench, tools: Path, tmp_path: Path) -> None:
    with pty_board(None, bench.new, tmp_path / "flashed") as board:
        succeeded(run(bench, board, tools))
    assert bench.report["outputs"]["compared"] == WINDOWS
    assert len(calls(tools, "openocd")) == 2


def test_no_flash_names_both_builds(bench: Bench, tools: Path, tmp_path: Path) -> None:
    with pty_board(bench.old, bench.new, tmp_path / "flashed") as board:
        result = run(bench, board, tools, "--no-flash")
    assert result.returncode == 5
    assert OLD_ID in result.stderr
    assert bench.build_id in result.stderr
    assert calls(tools, "openocd") == []


def test_no_flash_with_a_silent_board(bench: Bench, tools: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    with pty_board(None, bench.new, tmp_path / "flashed") as board:
        result = run(bench, board, tools, "--no-flash")
    assert result.returncode == 5
    assert "no ppg-deploy firmware answers" in result.stderr
    assert time.monotonic() - started < 20
    assert calls(tools, "openocd") == []


def test_a_board_that_still_runs_the_old_build_afterwards(bench: Bench, tools: Path, tmp_path: Path) -> None:
    with pty_board(bench.old, bench.old, tmp_path / "flashed") as board:
        result = run(bench, board, tools)
    assert result.returncode == 5
    assert "after flashing" in result.stderr
    assert "--probe-serial" in result.stderr
    assert not (bench.folder / "build" / "report.json").exists()


def test_a_missing_probe_ends_the_bench(bench: Bench, tools: Path, tmp_path: Path) -> None:
    put_tool(tools, "openocd", NO_PROBE)
    with pty_board(bench.old, None, tmp_path / "flashed") as board:
        result = run(bench, board, tools)
    assert result.returncode == 5
    assert "no probe for flashing board nucleo-l476rg by stlink" in result.stderr
    assert "--method mbed" in result.stderr


def test_the_only_matching_port_is_taken_and_its_probe_flashed(
    bench: Bench, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_with(tools))
    with pty_board(bench.old, bench.new, tmp_path / "flashed") as board:
        ports = (
            PortInfo("/dev/ttyS0", "ttyS0", None, None, None),
            PortInfo(board.port, "STM32 STLink", 0x0483, 0x374B, "0669FF01"),
        )
        monkeypatch.setattr(find, "serial_ports", lambda: ports)
        monkeypatch.setattr(attach, "serial_ports", lambda: ports)
        said: list[str] = []
        report = api.bench(out=bench.folder / "build", data=bench.folder / "few.npz", say=said.append)
    assert report.outputs.mismatched == 0
    assert board.port in said[0]
    assert "0669FF01" in said[0]
    # The port belongs to an ST-LINK: that one is flashed, whatever else is plugged in.
    assert all("adapter serial 0669FF01" in call for call in calls(tools, "openocd"))
    assert len(calls(tools, "openocd")) == 2


def test_a_port_and_an_emulator_exclude_each_other(bench: Bench) -> None:
    with pytest.raises(InputError, match="not both"):
        api.bench(out=bench.folder / "build", port="/dev/ttyACM0", emulator="unicorn")
