"""Every nRF52 board's image runs: a small network, built, booted, benched, and every byte TFLM's."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import networks
from benchmarks.networks.windows import benchmark_windows
from ppg_deploy import api
from ppg_deploy.quantization.codes import quantize_windows
from ppg_deploy.tflite import write_tflite

pytest.importorskip("unicorn", reason="the extra [emulator] is not installed")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")
pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]

WINDOWS = 6


@pytest.mark.parametrize("board", ["nrf52840-dk", "nrf52-dk", "arduino-nano33ble"])
def test_the_device_answers_with_the_bytes_of_tflm(board: str, tmp_path: Path) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    graph = networks.depthwise_separable_keywords(frames=13, features=7, channels=12, blocks=2)
    model = write_tflite(graph)
    (tmp_path / "model.tflite").write_bytes(model)
    windows = benchmark_windows(graph, WINDOWS)
    np.savez(tmp_path / "windows.npz", x=windows)
    built = api.build(board=board, model=tmp_path / "model.tflite", out=tmp_path / "out").result
    report = api.bench(out=tmp_path / "out", emulator="unicorn", data=tmp_path / "windows.npz", count=1)
    expected = TflmInterpreter(model).run(quantize_windows(windows, graph.input)).reshape(WINDOWS, -1)
    assert len(np.unique(expected)) > 4
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "outputs.npz")["y_int8"], expected)
    assert (report.board, report.outputs.compared, report.outputs.mismatched) == (board, WINDOWS, 0)
    assert report.device.counter == "dwt"
    assert report.device.problems == ()
    assert report.cost.instructions is not None
    assert report.cost.cycles_estimated is not None
    # Core cycles without wait states: a Cortex-M4 takes at least one per instruction.
    assert report.cost.cycles_estimated.min >= report.cost.instructions.min > 10_000
    origin = 0x1_0000 if board == "arduino-nano33ble" else 0
    assert first_loaded_address(built.elf) == origin


def first_loaded_address(elf: Path) -> int:
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        segments = ELFFile(stream).iter_segments("PT_LOAD")
        return min(int(segment["p_paddr"]) for segment in segments if segment["p_filesz"])
