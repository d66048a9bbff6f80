"""Real images that crash, overflow their stack and hang in the middle of a bench, in both emulators.

A few lines of C are put in front of the demo student's inference, and the project is compiled anew; which line each
address belongs to is known from the text of that file.
"""

import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.building import build_firmware
from ppg_deploy.project import Project, load_manifest
from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, succeeded

pytestmark = requires_compiler

BOARD = "netduinoplus2"
WINDOWS = 4
RUN_LIMIT_MS = 300
LIMIT_S = 60.0

_SABOTAGE = """#include "ppg_sabotage.h"

static unsigned runs;
static volatile unsigned sink;

static __attribute__((noinline)) unsigned read_badly(unsigned address) {
  return *(volatile unsigned *)address + 1u; /* crash */
}

static __attribute__((noinline)) unsigned recurse(unsigned depth) {
  volatile unsigned block[16];
  block[depth % 16u] = depth;
  return recurse(depth + 1u) + block[depth % 16u]; /* overflow */
}

static __attribute__((noinline)) void spin(void) {
  for (;;) { sink = sink + 1u; } /* hang */
}

static __attribute__((noinline)) void spin_masked(void) {
  __asm volatile("cpsid i");
  for (;;) { sink = sink + 1u; } /* masked */
}

void ppg_sabotage(void) {
  if (++runs != 3u) {
    return;
  }
  switch (WHAT) {
    case 1: sink = read_badly(0x60000000u); break; /* call of crash */
    case 2: sink = recurse(0u); break; /* call of overflow */
    case 3: spin(); break; /* call of hang */
    default: spin_masked(); break; /* call of masked */
  }
}
"""
CRASH, OVERFLOW, HANG, MASKED = 1, 2, 3, 4
WINDOW = {"unicorn": "window 1", "qemu": "window 2"}
"""Of the third inference: unicorn runs the first window twice, the second time counted."""


def line_of(comment: str) -> str:
    """The line of the sabotage with this comment, as an error message names it."""
    lines = [number for number, text in enumerate(_SABOTAGE.splitlines(), 1) if f"/* {comment} */" in text]
    assert len(lines) == 1
    return f"src/model/ppg_sabotage.c:{lines[0]}"


@dataclass(frozen=True)
class Images:
    """The demo student with each of the faults, by fault."""

    folders: dict[int, Path]

    def bench(self, fault: int, *options: str) -> tuple[str, float]:
        """What the bench said on its standard error, and its seconds."""
        started = time.monotonic()
        result = ppg_deploy(
            *("bench", "--data", "few.npz", "--count", "1", *options),
            folder=self.folders[fault],
            environment={"COLUMNS": "1000"},
            timeout_s=2 * LIMIT_S,
        )
        said = " ".join(result.stderr.split())
        assert result.returncode == 5, said
        assert not (self.folders[fault] / "build" / "report.json").exists()
        return said, time.monotonic() - started


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Images:
    first = copy_demo(tmp_path_factory.mktemp("images"))
    data = np.load(DEMO / "test.npz")
    np.savez(first / "few.npz", **{name: data[name][:WINDOWS] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=first))
    succeeded(ppg_deploy("build", "--board", BOARD, folder=first))
    project = first / "build" / "firmware"
    _limit_runs(project / "include" / "ppg_hardware.h")
    model = project / "src" / "model" / "model.c"
    entry = "int ppg_model_run(const int8_t *input, int8_t *output) {\n"
    assert model.read_text().count(entry) == 1
    model.write_text(
        '#include "ppg_sabotage.h"\n' + model.read_text().replace(entry, f"{entry}  ppg_sabotage();\n")
    )
    (model.parent / "ppg_sabotage.h").write_text("void ppg_sabotage(void);\n")
    folders = {}
    for fault in (CRASH, OVERFLOW, HANG, MASKED):
        (model.parent / "ppg_sabotage.c").write_text(_SABOTAGE.replace("WHAT", str(fault)))
        build_firmware(Project(folder=project, board=load_board(BOARD), manifest=load_manifest(project)))
        folders[fault] = first.parent / f"fault-{fault}"
        shutil.copytree(first, folders[fault], ignore=shutil.ignore_patterns(".pio"))
    return Images(folders)


def _limit_runs(header: Path) -> None:
    text, count = re.subn(r"(?m)^(#define PPG_RUN_LIMIT_MS) .*$", rf"\1 {RUN_LIMIT_MS}u", header.read_text())
    assert count == 1
    header.write_text(text)


@pytest.fixture(params=["unicorn", "qemu"])
def emulator(request: pytest.FixtureRequest) -> str:
    if request.param == "qemu" and shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
    return str(request.param)


def test_a_crash(images: Images, emulator: str) -> None:
    said, seconds = images.bench(CRASH, "--emulator", emulator)
    assert f"the firmware crashed in read_badly ({line_of('crash')})" in said
    assert f"called from ppg_sabotage ({line_of('call of crash')})" in said
    assert f"bus fault, precise data access at 0x60000000; {WINDOW[emulator]}" in said
    assert seconds < LIMIT_S


def test_a_stack_overflow(images: Images, emulator: str) -> None:
    said, seconds = images.bench(OVERFLOW, "--emulator", emulator)
    assert f"the firmware's stack overflowed in recurse ({line_of('overflow')})" in said
    assert "4,096 bytes are reserved for it (from _stack_limit to _estack)" in said
    assert f"raise stack_bytes in board.toml of {BOARD}" in said
    assert WINDOW[emulator] in said
    assert seconds < LIMIT_S


def test_a_hang(images: Images, emulator: str) -> None:
    said, seconds = images.bench(HANG, "--emulator", emulator, "--timeout", "1")
    assert f"called from ppg_sabotage ({line_of('call of hang')})" in said
    if emulator == "qemu":
        assert f"the firmware hung in spin ({line_of('hang')})" in said
        assert f"an inference took longer than {RUN_LIMIT_MS / 1000:g} s; {WINDOW[emulator]}" in said
    else:
        # Where nothing is counted, unicorn's SysTick stands still; but the emulator knows where the core is.
        assert f"the processor was in spin ({line_of('hang')})" in said
        assert WINDOW[emulator] in said
    assert seconds < LIMIT_S


def test_a_hang_with_interrupts_masked(images: Images, emulator: str) -> None:
    """Not even the firmware's own limit helps; the emulators have no watchdog, but unicorn knows where it is."""
    if emulator == "qemu":
        pytest.skip("QEMU does not tell where the core is")
    said, seconds = images.bench(MASKED, "--emulator", emulator, "--timeout", "1")
    assert "no answer to RUN in 1 attempt within" in said
    assert f"the processor was in spin_masked ({line_of('masked')})" in said
    assert f"called from ppg_sabotage ({line_of('call of masked')})" in said
    assert WINDOW[emulator] in said
    assert seconds < LIMIT_S
