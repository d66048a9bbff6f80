"""Wrong input of every kind: one clear error with a hint, an exit code, no traceback, nothing half-written."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.ports.usb import looks_like, serial_ports
from tests.support.commands import copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.onnx_networks import OnnxNetwork


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_clean_failure(result: subprocess.CompletedProcess[str], exit_code: int, *words: str) -> None:
    assert result.returncode == exit_code, result.stdout + result.stderr
    lines = result.stderr.strip().splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 1, result.stderr
    assert sum(line.startswith("hint: ") for line in lines) == 1, result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_demo(tmp_path)


def truncated_onnx(folder: Path) -> None:
    path = folder / "student.onnx"
    path.write_bytes(path.read_bytes()[:50_000])


def unsupported_operator(folder: Path) -> None:
    net = OnnxNetwork((1, 1, 4, 256))
    net.save(folder / "student.onnx", net.add("Erf", net.conv("x", 1, 2, (1, 3))))


def windows_of_the_wrong_shape(folder: Path) -> None:
    np.savez(folder / "student.calib.npz", x=np.ones((120, 4, 256), np.float32))


def nan_in_the_windows(folder: Path) -> None:
    x = np.ones((120, 1, 4, 256), np.float32)
    x[7, 0, 2, 5] = np.nan
    np.savez(folder / "student.calib.npz", x=x)


def no_calibration(folder: Path) -> None:
    (folder / "student.calib.npz").unlink()


def card_without_rate(folder: Path) -> None:
    path = folder / "student.toml"
    path.write_text(path.read_text().replace("sample_rate_hz", "sample_rate"))


def broken_npz(folder: Path) -> None:
    (folder / "student.calib.npz").write_bytes(b"PK\x03\x04")


def missing_model(folder: Path) -> None:
    (folder / "student.onnx").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (truncated_onnx, ["student.onnx", "not a valid ONNX model"]),
        (unsupported_operator, ["Erf"]),
        (windows_of_the_wrong_shape, ["student.calib.npz", "(4, 256)", "(1, 4, 256)"]),
        (nan_in_the_windows, ["student.calib.npz", "NaN", "window 7"]),
        (no_calibration, ["no calibration windows", "--calib"]),
        (card_without_rate, ["student.toml", "input.sample_rate_hz"]),
        (broken_npz, ["student.calib.npz"]),
        (missing_model, ["student.onnx", "no such file"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_quantize(folder: Path, spoil: Callable[[Path], None], words: list[str]) -> None:
    spoil(folder)
    before = snapshot(folder)
    assert_clean_failure(ppg_deploy("quantize", "student.onnx", folder=folder), 2, *words)
    assert snapshot(folder) == before


def test_failed_quantize_keeps_the_earlier_result(folder: Path) -> None:
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    truncated_onnx(folder)
    before = snapshot(folder)
    assert_clean_failure(ppg_deploy("quantize", "student.onnx", folder=folder), 2)
    assert snapshot(folder) == before


def test_unknown_board(folder: Path) -> None:
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    before = snapshot(folder)
    result = ppg_deploy("build", "--board", "nucleo-l5", folder=folder)
    assert_clean_failure(result, 2, "nucleo-l5", "nucleo-l476rg")
    assert snapshot(folder) == before


def test_build_without_a_board(folder: Path) -> None:
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    assert_clean_failure(ppg_deploy("build", folder=folder), 2, "--board")


def test_build_without_a_model(folder: Path) -> None:
    result = ppg_deploy("build", "--board", "nucleo-l4", folder=folder)
    assert_clean_failure(result, 2, "model.tflite", "quantize")
    assert not (folder / "build").exists()


def test_missing_compiler(folder: Path) -> None:
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    empty = folder / "empty"
    empty.mkdir()
    environment = {"PATH": str(empty), "PPG_ARM_GCC_PREFIX": ""}
    result = ppg_deploy("build", "--board", "nucleo-l4", folder=folder, environment=environment)
    assert_clean_failure(result, 3, "arm-none-eabi-gcc", "apt-get install")
    assert not (folder / "build" / "firmware" / "firmware.elf").exists()


def test_build_of_something_that_is_no_model(folder: Path) -> None:
    result = ppg_deploy("build", "--board", "nucleo-l4", "--model", "student.onnx", folder=folder)
    assert_clean_failure(result, 2, "student.onnx", "not a TensorFlow Lite file")


def test_bench_without_a_build(folder: Path) -> None:
    assert_clean_failure(ppg_deploy("bench", "--emulator", "unicorn", folder=folder), 2, "ppg-deploy build")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("built"))
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    return folder


@requires_compiler
class TestBench:
    def test_port_that_does_not_exist(self, built: Path) -> None:
        result = ppg_deploy("bench", "--port", "/dev/ttyNOPE7", folder=built)
        assert result.returncode in (3, 5)
        assert_clean_failure(result, result.returncode, "/dev/ttyNOPE7")

    def test_neither_port_nor_emulator(self, built: Path) -> None:
        if any(looks_like([load_board("nucleo-l4")], p.vendor_id, p.product_id) for p in serial_ports()):
            pytest.skip("a board is plugged in, which bench would take")
        assert_clean_failure(ppg_deploy("bench", "--no-flash", folder=built), 5, "--port", "--emulator")

    def test_port_and_emulator(self, built: Path) -> None:
        result = ppg_deploy("bench", "--port", "/dev/ttyS0", "--emulator", "unicorn", folder=built)
        assert_clean_failure(result, 2, "not both")

    def test_timing_model_without_a_count(self, built: Path) -> None:
        result = ppg_deploy("bench", "--emulator", "qemu", "--timing-model", "x", folder=built)
        assert_clean_failure(result, 2, "exact counts", "--emulator unicorn")

    def test_unknown_timing_model(self, built: Path) -> None:
        result = ppg_deploy("bench", "--emulator", "unicorn", "--timing-model", "stm32l4r5", folder=built)
        assert_clean_failure(result, 2, "no timing model 'stm32l4r5'", "stm32l4r5-120mhz-v1")

    def test_qemu_that_is_not_installed(self, built: Path, tmp_path: Path) -> None:
        shutil.copytree(built, tmp_path / "f")
        folder = tmp_path / "f"
        succeeded(ppg_deploy("build", "--board", "netduinoplus2", folder=folder))
        result = ppg_deploy("bench", "--emulator", "qemu", folder=folder, environment={"PATH": str(tmp_path)})
        assert_clean_failure(result, 3, "qemu-system-arm")

    def test_board_that_qemu_does_not_model(self, built: Path) -> None:
        result = ppg_deploy("bench", "--emulator", "qemu", folder=built)
        assert_clean_failure(result, 2, "nucleo-l476rg", "netduinoplus2")

    def test_unicorn_that_is_not_installed(self, built: Path, tmp_path: Path) -> None:
        (tmp_path / "unicorn").mkdir()
        (tmp_path / "unicorn" / "__init__.py").write_text("raise ImportError('no unicorn')")
        result = ppg_deploy(
            "bench", "--emulator", "unicorn", folder=built, environment={"PYTHONPATH": str(tmp_path)}
        )
        assert_clean_failure(result, 3, "unicorn", "ppg-deploy[emulator]")

    def test_windows_of_the_wrong_shape(self, built: Path, tmp_path: Path) -> None:
        np.savez(tmp_path / "w.npz", x=np.ones((3, 256), np.float32))
        result = ppg_deploy("bench", "--emulator", "unicorn", "--data", tmp_path / "w.npz", folder=built)
        assert_clean_failure(result, 2, "w.npz", "(1, 4, 256)")

    def test_nan_in_the_windows(self, built: Path, tmp_path: Path) -> None:
        x = np.ones((3, 1, 4, 256), np.float32)
        x[2, 0, 0, 0] = np.inf
        np.savez(tmp_path / "w.npz", x=x)
        result = ppg_deploy("bench", "--emulator", "unicorn", "--data", tmp_path / "w.npz", folder=built)
        assert_clean_failure(result, 2, "w.npz", "window 2")

    def test_changed_model_is_noticed(self, built: Path, tmp_path: Path) -> None:
        shutil.copytree(built, tmp_path / "f")
        model = tmp_path / "f" / "build" / "firmware" / "model.tflite"
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(bytes(content))
        result = ppg_deploy("bench", "--emulator", "unicorn", folder=tmp_path / "f")
        assert_clean_failure(result, 2, "model.tflite", "build again")


def test_wrong_option_is_no_traceback(tmp_path: Path) -> None:
    result = ppg_deploy("bench", "--emulator", "renodo", folder=tmp_path)
    assert result.returncode == 2
    assert "renodo" in result.stderr
    assert "Traceback" not in result.stderr


def test_help_is_quick(tmp_path: Path) -> None:
    """In processor time: the clock on the wall says how busy the machine is with other tests."""
    import resource

    def seconds_of_children() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    durations = []
    for _ in range(5):
        before = seconds_of_children()
        succeeded(ppg_deploy("--help", folder=tmp_path))
        durations.append(seconds_of_children() - before)
    assert 0.0 < min(durations) < 0.4


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, ppg_deploy.cli.main; "
        "print([m for m in ('numpy', 'onnx', 'onnxruntime', 'ai_edge_litert', 'tflite_micro', 'unicorn', "
        "'pydantic', 'platformio', 'serial') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "[]"
