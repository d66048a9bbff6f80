"""Devices that fail in the middle of a bench: it ends in time, and says what happened, where and at which window."""

import json
import random
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.benching.places import CodePlaces
from ppg_deploy.ports.firmware_image import read_firmware_image
from ppg_deploy.project import Manifest, load_manifest
from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.pty_board import compile_project, pty_board
from tests.support.scripted_board import ScriptedBoard, ScriptedFirmware, after, scripted_board

pytestmark = requires_compiler

WINDOWS = 4
FUNCTION, CALLER = "ppg_crc32", "ppg_app_receive"
EXCEPTION, STACK_OVERFLOW, HANG = 1, 2, 3
BY_WATCHDOG, BY_FAULT, BY_PIN = 4, 5, 2


@dataclass(frozen=True)
class Built:
    """The demo student built for a board, and addresses of its firmware by the compiler's own tools."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "build" / "firmware"

    @property
    def manifest(self) -> Manifest:
        return load_manifest(self.project)

    def address(self, function: str, offset: int = 8) -> int:
        names = self._tool("nm", str(self.project / "firmware.elf"))
        found = re.search(rf"^([0-9a-f]+) [tT] {function}$", names, re.MULTILINE)
        assert found is not None, function
        return int(found[1], 16) + offset

    def line(self, address: int) -> str:
        """ "src/protocol/ppg_crc32.c:12", by addr2line."""
        said = self._tool("addr2line", "-e", str(self.project / "firmware.elf"), hex(address))
        return said.split(" (")[0].strip().removeprefix("./")

    @staticmethod
    def _tool(name: str, *arguments: str) -> str:
        tool = f"arm-none-eabi-{name}"
        assert shutil.which(tool) is not None
        return subprocess.run(
            [tool, *arguments], capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def firmware(self, fail: Callable[[ScriptedFirmware], bytes]) -> ScriptedFirmware:
        """Fails at the third window."""
        model = np.load(self.folder / "few.npz")["x"]
        return ScriptedFirmware(
            self.manifest, input_bytes=int(np.prod(model.shape[1:])), output_bytes=1, fails_at=2, fail=fail
        )

    def fault(self, kind: int, *, fault_status: int = 0, bus_address: int = 0) -> bytes:
        return struct.pack(
            "<B8I",
            kind,
            3 if kind != HANG else 15,
            *(fault_status, 1 << 30, bus_address),
            *(self.address(FUNCTION), self.address(CALLER, 21), 0x2000_0800, 3),
        )

    def bench(
        self, port: str, *options: str, limit_s: float
    ) -> tuple["subprocess.CompletedProcess[str]", float]:
        """The bench, and the seconds it took; it is never given more than `limit_s`."""
        started = time.monotonic()
        result = ppg_deploy(
            *("bench", "--port", port, "--data", "few.npz", "--no-flash", *options),
            folder=self.folder,
            environment={"COLUMNS": "1000"},
            timeout_s=limit_s,
        )
        return result, time.monotonic() - started


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = copy_demo(tmp_path_factory.mktemp("faults"))
    data = np.load(DEMO / "test.npz")
    np.savez(folder / "few.npz", **{name: data[name][:WINDOWS] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    return Built(folder)


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_places_are_those_of_addr2line(built: Built) -> None:
    elf = built.project / "firmware.elf"
    code = sorted(
        {
            address
            for function in read_firmware_image(elf).functions
            for address in range(function.address, function.address + function.size_bytes, 38)
        }
    )
    said = built._tool("addr2line", "-f", "-i", "-a", "-e", str(elf), *map(hex, code))
    places, inlined = CodePlaces(elf), 0
    for address, text in zip(code, re.split(r"^0x[0-9a-f]{8}$", said, flags=re.MULTILINE)[1:], strict=True):
        function, line = text.split()[:2]
        name = places.name(address)
        file, _, number = line.removeprefix("./").partition(":")
        # The C library's files have paths of the machine that it was built on.
        if file.startswith("src/"):
            assert name.startswith(f"{function.split('.')[0]} ({file}:{number})"), (hex(address), name, text)
            inlined += ", inlined into " in name
    assert len(code) > 200
    assert inlined > 20


def test_a_crash_names_function_line_and_window(built: Built) -> None:
    def crash(board: ScriptedFirmware) -> bytes:
        board.fault = built.fault(EXCEPTION, fault_status=0x8200, bus_address=0x2002_0000)
        return board.fault_frame() + board.restart(BY_FAULT)

    with scripted_board(built.firmware(crash)) as board:
        result, _ = built.bench(board.port, limit_s=20)
    assert result.returncode == 5
    said = one_line(result.stderr)
    place = f"the firmware crashed in {FUNCTION} ({built.line(built.address(FUNCTION))})"
    caller = f"({built.line(built.address(CALLER, 20) - 2)})"
    assert place in said
    assert re.search(rf"called from \w+ {re.escape(caller)}", said), said
    assert "bus fault, precise data access at 0x20020000; window 2" in said


def test_a_crash_whose_frame_was_lost(built: Built) -> None:
    def crash(board: ScriptedFirmware) -> bytes:
        board.fault = built.fault(EXCEPTION, fault_status=1 << 25)
        return board.restart(BY_FAULT)

    with scripted_board(built.firmware(crash)) as board:
        result, _ = built.bench(board.port, limit_s=20)
    assert result.returncode == 5
    assert f"crashed in {FUNCTION} (" in one_line(result.stderr)
    assert "usage fault, division by zero; window 2" in one_line(result.stderr)


def test_a_hang_is_told_by_the_firmware(built: Built) -> None:
    def hang(board: ScriptedFirmware) -> bytes:
        board.fault = built.fault(HANG)
        return after(2.0, board.fault_frame() + board.restart(BY_FAULT))

    with scripted_board(built.firmware(hang)) as board:
        result, _ = built.bench(board.port, limit_s=20)
    assert result.returncode == 5
    said = one_line(result.stderr)
    assert f"the firmware hung in {FUNCTION} ({built.line(built.address(FUNCTION))})" in said
    assert "an inference took longer than 2 s; window 2" in said


def test_a_stack_overflow_names_the_remedy(built: Built) -> None:
    def overflow(board: ScriptedFirmware) -> bytes:
        board.fault = built.fault(STACK_OVERFLOW, fault_status=0x1000)
        return board.fault_frame() + board.restart(BY_FAULT)

    with scripted_board(built.firmware(overflow)) as board:
        result, _ = built.bench(board.port, limit_s=20)
    assert result.returncode == 5
    said = one_line(result.stderr)
    assert f"the firmware's stack overflowed in {FUNCTION} (" in said
    assert "4,096 bytes are reserved for it (from _stack_limit to _estack)" in said
    assert "raise stack_bytes in board.toml of nucleo-l476rg" in said
    assert "window 2" in said


@pytest.mark.parametrize(
    ("cause", "text"),
    [(BY_WATCHDOG, "the hardware watchdog, because the firmware hung"), (BY_PIN, "its reset pin")],
)
def test_a_restart_names_its_cause(built: Built, cause: int, text: str) -> None:
    with scripted_board(built.firmware(lambda board: after(0.3, board.restart(cause)))) as board:
        result, _ = built.bench(board.port, limit_s=20)
    assert result.returncode == 5
    assert f"the board restarted during RUN: {text}" in one_line(result.stderr)
    assert "window 2" in one_line(result.stderr)


def test_a_board_that_falls_silent(built: Built) -> None:
    """6 attempts, the longest of which takes the device's own limit of 2 s and 5 s more, because --timeout is less."""
    with scripted_board(built.firmware(lambda _: b"")) as board:
        result, seconds = built.bench(board.port, "--timeout", "1", limit_s=60)
    assert result.returncode == 5
    said = one_line(result.stderr)
    assert "no answer to RUN in 6 attempts" in said
    assert "nothing was received; window 2" in said
    assert seconds < 6 * 7.0 + 10.0


def test_a_cable_unplugged_in_the_middle_of_an_inference(built: Built) -> None:
    boards: list[ScriptedBoard] = []
    unplugged_at: list[float] = []

    def unplug(_: ScriptedFirmware) -> bytes:
        time.sleep(0.3)
        unplugged_at.append(time.monotonic())
        boards[0].unplug()
        return b""

    with scripted_board(built.firmware(unplug)) as board:
        boards.append(board)
        result, _ = built.bench(board.port, limit_s=20)
        ended_at = time.monotonic()
    assert result.returncode == 5
    assert ended_at - unplugged_at[0] < 5.0
    said = one_line(result.stderr)
    assert "the serial line failed" in said
    assert "window 2" in said
    assert "still plugged in" in said


class Dropping:
    """A cable that loses one byte in `one_in`; the same bytes each time."""

    def __init__(self, one_in: int) -> None:
        self._random = random.Random(7)
        self._one_in = one_in
        self.dropped = 0

    def __call__(self, data: bytes) -> bytes:
        kept = bytes(byte for byte in data if self._random.randrange(self._one_in))
        self.dropped += len(data) - len(kept)
        return kept


def test_a_uart_that_drops_one_byte_in_500(built: Built, tmp_path: Path) -> None:
    program = compile_project(built.project, tmp_path / "program")
    cable = Dropping(500)
    with pty_board(program, None, tmp_path / "never", cable) as board:
        result, seconds = built.bench(board.port, limit_s=120)
    report = json.loads((built.folder / "build" / "report.json").read_text())
    assert cable.dropped >= 10
    assert (report["outputs"]["compared"], report["outputs"]["mismatched"]) == (WINDOWS, 0)
    assert report["missing"] == []
    assert report["link"]["retries"] >= 5
    damaged = sum(report["link"][name] for name in ("crc_errors", "cobs_errors", "malformed"))
    assert (
        damaged + sum(report["device_line"][name] for name in ("crc_errors", "cobs_errors", "malformed")) >= 5
    )
    said = one_line(result.stderr)
    assert result.returncode == 0, said
    assert "bytes were lost on the line, the host counted:" in said
    assert f"{report['link']['retries']} retries" in said
    assert seconds < 90.0


def test_a_uart_that_drops_every_500th_byte(built: Built, tmp_path: Path) -> None:
    """No frame of 500 bytes ever arrives: only smaller pieces of the input get through."""
    program = compile_project(built.project, tmp_path / "program")
    passed = 0

    def cable(data: bytes) -> bytes:
        nonlocal passed
        before, passed = passed, passed + len(data)
        return bytes(byte for number, byte in enumerate(data, before + 1) if number % 500)

    with pty_board(program, None, tmp_path / "never", cable) as board:
        result, seconds = built.bench(board.port, limit_s=60)
    assert result.returncode == 0, one_line(result.stderr)
    report = json.loads((built.folder / "build" / "report.json").read_text())
    assert (report["outputs"]["compared"], report["outputs"]["mismatched"]) == (WINDOWS, 0)
    assert seconds < 45.0


def test_keep_going_reports_the_missing_window(built: Built) -> None:
    def fail_one_window(board: ScriptedFirmware) -> bytes:
        """Windows 2 is tried three times; then the board is well again."""
        board.fault = built.fault(EXCEPTION, fault_status=1 << 25)
        board.fails_at = 2 if board.runs < 5 else None
        return board.fault_frame() + board.restart(BY_FAULT)

    with scripted_board(built.firmware(fail_one_window)) as board:
        result, _ = built.bench(board.port, "--keep-going", "--json", limit_s=40)
    assert result.returncode in (5, 6)  # the scripted answers are zeros
    report = json.loads((built.folder / "build" / "report.json").read_text())
    assert [missing["window"] for missing in report["missing"]] == [2]
    assert "division by zero" in report["missing"][0]["reason"]
    assert report["outputs"]["compared"] == WINDOWS - 1
    assert report["sessions_lost"] == 3
    answered = np.load(built.folder / "build" / "outputs.npz")["answered"]
    assert answered.tolist() == [True, True, False, True]
