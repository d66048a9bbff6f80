"""The board support of the STM32F405 in QEMU, whose USART, SysTick, NVIC and reset are not our own reading of manuals.

QEMU models neither the clock controller nor the cycle counter of this chip: the fallbacks are what runs here.
"""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bsp_probe import build_probe, fields

from ppg_deploy.boards import load_board

pytestmark = [pytest.mark.arm, pytest.mark.qemu]

LIMIT_S = 20.0
CONSOLE = ("-nographic", "-monitor", "none", "-serial", "stdio")
# One instruction is one nanosecond: SysTick does not depend on how busy the host is.
DETERMINISTIC = ("-icount", "shift=0,sleep=off")


class Qemu:
    """A running QEMU with the console on its standard input and output."""

    def __init__(self, elf: Path) -> None:
        qemu = load_board("netduinoplus2").emulators.qemu
        assert qemu is not None
        assert qemu.serial == 0
        self._process = subprocess.Popen(
            ["qemu-system-arm", "-M", qemu.machine, "-kernel", str(elf), *CONSOLE, *DETERMINISTIC],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._pending = b""

    def send(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def line(self) -> str:
        assert self._process.stdout is not None
        end = time.monotonic() + LIMIT_S
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"no line within {LIMIT_S} s, only {self._pending!r}"
            data = os.read(self._process.stdout.fileno(), 4096)
            assert data, f"QEMU ended: {self._pending!r}"
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode().strip()

    def ask(self, text: str) -> str:
        self.send(text)
        return self.line()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    return build_probe("netduinoplus2", tmp_path_factory.mktemp("f405") / "probe").elf


@pytest.fixture
def machine(probe: Path) -> Iterator[tuple[Qemu, dict[str, int]]]:
    qemu = Qemu(probe)
    try:
        yield qemu, fields(qemu.line())
    finally:
        qemu.close()


def test_boot_reports_the_fallbacks_honestly(machine: tuple[Qemu, dict[str, int]]) -> None:
    _, boot = machine
    # 16 MHz: the HSI (RM0090). status 1: clock fallback only. counter 2: SysTick, since CYCCNT reads 0 in QEMU.
    assert boot == {
        "clk": 16_000_000,
        "status": 1,
        "counter": 2,
        "stack": 4096,
        "data": 1,
        "cause": 0,
        "fault": 0,
    }


def test_the_console_passes_every_byte(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, _ = machine
    assert [qemu.ask(chr(byte)) for byte in (33, 90, 126)] == ["BYTE 33", "BYTE 90", "BYTE 126"]
    assert qemu.ask("v") == "OVERRUNS 0"


def test_the_extended_counter_passes_wraps_of_the_timer(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, _ = machine
    assert qemu.ask("w") == "WRAPS 2 backward=0"


def test_stack_high_water_follows_the_deepest_call(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, _ = machine
    before = int(qemu.ask("s").removeprefix("STACK "))
    assert 0 < before < 1024
    assert qemu.ask("S") == "USED 249"
    after = int(qemu.ask("s").removeprefix("STACK "))
    # 256 words in the deeper frame; main's own frame was in use before.
    assert 1024 <= after <= before + 1024 + 64


def test_a_bad_access_is_reported_and_restarts(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, boot = machine
    qemu.send("f")
    assert qemu.line() == ""
    fault = fields(qemu.line())
    assert (fault["kind"], fault["exception"], fault["hfsr"]) == (1, 3, 0x4000_0000)
    # PRECISERR and BFARVALID (Armv7-M B3.2.15) at the address that main.c reads, from code in flash.
    assert fault["cfsr"] & 0x8200 == 0x8200
    assert fault["address"] == 0x6000_0000
    assert 0x0800_0000 <= fault["pc"] < 0x0810_0000
    assert 0x2000_0000 < fault["sp"] <= 0x2000_1000
    assert fields(qemu.line()) == {**boot, "cause": 5, "fault": 1}


def test_a_stack_overflow_is_reported_and_restarts(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, boot = machine
    qemu.send("o")
    assert qemu.line() == ""
    fault = fields(qemu.line())
    assert (fault["kind"], fault["exception"]) == (2, 3)
    # The stack lies at the bottom of RAM.
    assert fault["sp"] <= 0x2000_0000
    assert fields(qemu.line()) == {**boot, "cause": 5, "fault": 2}


def test_the_record_outlives_a_reset_that_is_no_fault(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, boot = machine
    qemu.send("f")
    for _ in range(3):
        qemu.line()
    assert fields(qemu.ask("r")) == {**boot, "fault": 1}


def test_the_second_counter_agrees_with_the_first_around_a_run(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, _ = machine
    run = fields(qemu.ask("t"))
    # Both are SysTick here; the timer starts anew, without a turn counted.
    assert 0 < run["timer"] < 1000
    assert abs(run["ticks"] - run["timer_ticks"]) < 100


def test_a_run_beyond_its_limit_is_reported_and_restarts(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, boot = machine
    qemu.send("t")
    qemu.line()
    qemu.send("h")
    assert qemu.line() == ""
    fault = fields(qemu.line())
    assert (fault["kind"], fault["exception"], fault["runs"]) == (3, 15, 2)
    assert 0x0800_0000 <= fault["pc"] < 0x0810_0000
    assert fields(qemu.line()) == {**boot, "cause": 5, "fault": 3}


def test_reset_restarts(machine: tuple[Qemu, dict[str, int]]) -> None:
    qemu, boot = machine
    assert fields(qemu.ask("r")) == boot
