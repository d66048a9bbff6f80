"""One small network on every STM32 board: built as a user builds it, run in unicorn, every byte TFLM's.

Facts about the boards are repeated here on purpose: clocks and memories from the project's notes on boards, interrupts
from the vendor's vector tables (see the comments in the boards' files).
"""

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.boards import list_boards
from ppg_deploy.building import BuildResult
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, MaxPool2D, Padding
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.quantization.codes import dequantize_codes
from ppg_deploy.report import Report
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.commands import copy_demo
from tests.support.compile_networks import NetworkBuilder, windows_for

pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
pytest.importorskip("tflite_micro", reason="the extra [golden] is not installed")
pytestmark = pytest.mark.arm

FLASH_ORIGIN = 0x0800_0000
RAM_ORIGIN = 0x2000_0000
STACK_BYTES = 4096
M4_CPUID, M7_CPUID = "0x410fc241", "0x411fc271"
WITH_DEMO = "nucleo-h743zi"


@dataclass(frozen=True)
class Facts:
    clock_hz: int
    interrupts: int
    flash_kib: int
    ram_kib: int
    cpuid: str = M4_CPUID


FACTS = {
    "b-l475e-iot01a": Facts(80_000_000, 82, 1024, 96),
    "netduinoplus2": Facts(168_000_000, 82, 1024, 128),
    "nucleo-f411re": Facts(100_000_000, 86, 512, 128),
    "nucleo-f446re": Facts(180_000_000, 97, 512, 128),
    "nucleo-h743zi": Facts(400_000_000, 150, 2048, 128, M7_CPUID),
    "nucleo-l476rg": Facts(80_000_000, 82, 1024, 96),
    "nucleo-l4r5zi": Facts(120_000_000, 95, 2048, 640),
    "p-nucleo-wb55rg": Facts(64_000_000, 63, 512, 192),
}


@dataclass(frozen=True)
class Student:
    """A small network, windows as a file and as codes, and TFLM's answers."""

    model: Path
    windows: Path
    codes: Codes
    expected: Codes


@dataclass(frozen=True)
class Bench:
    """What one board made of the student."""

    built: BuildResult
    report: Report
    outputs: Codes


def small_network() -> Graph:
    """Convolutions, a residual addition, pooling and a dense layer: SIMD kernels, an arena, every kind of table."""
    net = NetworkBuilder(7, (1, 4, 40, 1))
    stem = net.convolution(net.input, 8, (1, 5), activation=Activation.RELU)
    inner = net.depthwise(stem, 1, (1, 3))
    merged = net.add(inner, stem)
    pooled = net.pool(merged, MaxPool2D, (1, 2), (1, 2))
    narrow = net.convolution(pooled, 6, (4, 1), padding=Padding.VALID)
    return net.graph(net.dense(net.reshape(narrow, (1, net.tensors[narrow].size)), 12))


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Student:
    folder = tmp_path_factory.mktemp("student")
    content = write_tflite(small_network())
    (folder / "model.tflite").write_bytes(content)
    graph = read_tflite(folder / "model.tflite")
    codes = windows_for(graph, seed=5, count=4)
    np.savez(folder / "windows.npz", x=dequantize_codes(codes, graph.input))
    expected = TflmInterpreter(content).run(codes)
    assert len(np.unique(expected)) > 20
    return Student(folder / "model.tflite", folder / "windows.npz", codes, expected)


@pytest.fixture(scope="module")
def bench_of(student: Student, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bench]]:
    """One build a board; the tests below look at it from several sides."""
    done: dict[str, Bench] = {}

    def bench_once(board: str) -> Bench:
        if board not in done:
            out = tmp_path_factory.mktemp(board)
            built = api.build(board=board, model=student.model, out=out)
            report = api.bench(out=out, emulator="unicorn", data=student.windows, count=1)
            done[board] = Bench(built.result, report, np.load(out / "outputs.npz")["y_int8"])
        return done[board]

    with pytest.MonkeyPatch.context() as patch:
        # A folder without a ppg.toml.
        patch.chdir(tmp_path_factory.mktemp("empty"))
        yield bench_once


def test_every_stm32_board_is_in_the_table() -> None:
    assert {board.id for board in list_boards() if board.family.startswith("stm32")} == set(FACTS)


@pytest.mark.parametrize("board", FACTS)
def test_answers_with_the_bytes_of_tflm(
    board: str, bench_of: Callable[[str], Bench], student: Student
) -> None:
    bench = bench_of(board)
    np.testing.assert_array_equal(bench.outputs, student.expected)
    assert bench.report.outputs.mismatched == 0
    device = bench.report.device
    assert device.id == board
    assert device.clock_hz_reached == FACTS[board].clock_hz
    assert (device.problems, device.counter) == ((), "dwt")
    assert device.cpuid == FACTS[board].cpuid


@pytest.mark.parametrize("board", FACTS)
def test_cycles_are_estimated_for_the_m4_only(board: str, bench_of: Callable[[str], Bench]) -> None:
    cost = bench_of(board).report.cost
    assert cost.instructions is not None
    if FACTS[board].cpuid == M7_CPUID:
        assert cost.cycles_estimated is None
    else:
        assert cost.cycles_estimated is not None
        assert cost.cycles_estimated.first > cost.instructions.first


def test_the_same_core_flags_cost_the_same_instructions(bench_of: Callable[[str], Bench]) -> None:
    costs = [bench_of(name).report.cost.instructions for name in FACTS if FACTS[name].cpuid == M4_CPUID]
    assert len({cost.first for cost in costs if cost is not None}) == 1


@pytest.mark.parametrize("board", FACTS)
def test_everything_lies_in_the_boards_memory(board: str, bench_of: Callable[[str], Bench]) -> None:
    from elftools.elf.elffile import ELFFile

    bench, facts = bench_of(board), FACTS[board]
    flash_end = FLASH_ORIGIN + 1024 * facts.flash_kib
    ram_end = RAM_ORIGIN + 1024 * facts.ram_kib
    with bench.built.elf.open("rb") as stream:
        elf = ELFFile(stream)
        sections = [s for s in elf.iter_sections() if s["sh_flags"] & 2 and s["sh_size"]]
        for section in sections:
            first, end = section["sh_addr"], section["sh_addr"] + section["sh_size"]
            assert FLASH_ORIGIN <= first < end <= flash_end or RAM_ORIGIN <= first < end <= ram_end
        vectors = elf.get_section_by_name(".isr_vector")
        symbols = elf.get_section_by_name(".symtab")
        arena = symbols.get_symbol_by_name("ppg_model_arena")[0]["st_value"]
        assert vectors["sh_addr"] == FLASH_ORIGIN
        assert vectors["sh_size"] == 4 * (16 + facts.interrupts)
        stack, entry = struct.unpack("<II", vectors.data()[:8])
        assert entry == symbols.get_symbol_by_name("ppg_reset_handler")[0]["st_value"]
        assert RAM_ORIGIN <= arena < ram_end
    # The stack lies at the bottom, so that an overflow faults.
    assert stack == RAM_ORIGIN + STACK_BYTES


@pytest.mark.parametrize("board", FACTS)
def test_the_linker_script_has_the_whole_memory(board: str, bench_of: Callable[[str], Bench]) -> None:
    scripts = list((bench_of(board).built.elf.parent / "linker").glob("*.ld"))
    assert len(scripts) == 1
    text = scripts[0].read_text()
    facts = FACTS[board]
    for origin, kib in ((FLASH_ORIGIN, facts.flash_kib), (RAM_ORIGIN, facts.ram_kib)):
        assert f"ORIGIN = 0x{origin:08X}, LENGTH = {1024 * kib}\n" in text


def test_the_demo_student_on_the_m7(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy_demo(tmp_path))
    api.quantize(Path("student.onnx"))
    api.build(board=WITH_DEMO)
    few = np.load("student.calib.npz")
    np.savez("few.npz", **{name: few[name][:3] for name in few.files})
    report = api.bench(emulator="unicorn", data=Path("few.npz"), count=1)
    outputs = np.load("build/outputs.npz")["y_int8"]
    assert (report.outputs.compared, report.outputs.mismatched) == (3, 0)
    assert "tflite-micro" in report.outputs.golden
    assert outputs.shape == (3, 1)
    assert report.model.macs == 3_383_328


def test_qemus_own_model_of_the_discovery_kit(
    student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clock control and UART as others wrote them: the only such check of an L4."""
    machines = (
        subprocess.run(
            ["qemu-system-arm", "-machine", "help"], capture_output=True, text=True, timeout=60
        ).stdout
        if shutil.which("qemu-system-arm")
        else ""
    )
    if "b-l475e-iot01a" not in machines:
        pytest.skip("no qemu-system-arm with the machine b-l475e-iot01a (9.1 or later)")
    monkeypatch.chdir(tmp_path)
    api.build(board="b-l475e-iot01a", model=student.model)
    report = api.bench(emulator="qemu", data=student.windows)
    assert (report.outputs.compared, report.outputs.mismatched) == (len(student.codes), 0)
    assert report.device.clock_hz_reached == 80_000_000
