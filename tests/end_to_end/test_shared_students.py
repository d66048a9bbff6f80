"""Real students on real recordings, when ../shared is there: every byte equal to TFLM's, errors within the gates."""

import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import ppg_deploy, requires_compiler, requires_qemu, succeeded
from tests.support.shared_data import (
    CARDS,
    requires_shared,
    student,
    write_dalia_windows,
    write_recording_windows,
)

pytestmark = [requires_shared, requires_compiler]


@dataclass(frozen=True)
class Prepared:
    """A quantised student in a folder with windows to stream."""

    folder: Path
    data: Path

    def bench(self, board: str, emulator: str, *options: str) -> dict[str, Any]:
        succeeded(ppg_deploy("build", "--board", board, folder=self.folder))
        succeeded(
            ppg_deploy(
                "bench",
                "--emulator",
                emulator,
                "--data",
                self.data,
                *options,
                folder=self.folder,
                timeout_s=280,
            )
        )
        return dict(json.loads((self.folder / "build" / "report.json").read_text()))


def prepare(folder: Path, name: str, calibration: Path, data: Path) -> Prepared:
    card = CARDS / f"{name}.toml"
    succeeded(ppg_deploy("quantize", student(name), "--card", card, "--calib", calibration, folder=folder))
    return Prepared(folder, data)


def head_of(path: Path, source: Path, windows: int) -> Path:
    """The first windows of a windows file."""
    arrays = np.load(source)
    np.savez(path, **{name: arrays[name][:windows] for name in arrays.files})
    return path


@pytest.fixture(scope="module")
def pulse_s6(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("pulse_s6")
    data = write_dalia_windows(folder / "windows.npz")
    return prepare(folder, "pulse_s6", data, data)


@pytest.fixture(scope="module")
def resnet2_dev(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("resnet2_dev")
    calibration = write_recording_windows(folder / "train.npz", "resnet2_dev", "train")
    validation = write_recording_windows(folder / "val.npz", "resnet2_dev", "val")
    return prepare(folder, "resnet2_dev", calibration, head_of(folder / "head.npz", validation, 520))


@pytest.fixture(scope="module")
def pulse_dev(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("pulse_dev")
    calibration = write_recording_windows(folder / "train.npz", "pulse_dev", "train")
    validation = write_recording_windows(folder / "val.npz", "pulse_dev", "val")
    return prepare(folder, "pulse_dev", calibration, head_of(folder / "head.npz", validation, 150))


def assert_exact(report: dict[str, Any], windows: int) -> None:
    assert report["outputs"]["compared"] == windows
    assert report["outputs"]["mismatched"] == 0
    assert report["outputs"]["golden"].startswith("tflite-micro")


def test_pulse_s6_on_unicorn(pulse_s6: Prepared) -> None:
    report = pulse_s6.bench("nucleo-l4", "unicorn")
    assert_exact(report, 215)
    # Float error as stated in the README of shared/students.
    assert report["accuracy"]["mae_float"] == pytest.approx(18.26, abs=0.01)
    assert report["accuracy"]["mae_float_filtered"] == pytest.approx(18.76, abs=0.01)
    assert abs(report["accuracy"]["mae_device"] - report["accuracy"]["mae_float"]) <= 0.5
    # TFLM needs 37,908 B, and 13.77 M cycles by the same timing model.
    assert report["memory"]["arena"] <= 33_000
    assert report["cost"]["cycles_estimated"]["max"] <= 9_000_000


@requires_qemu
def test_pulse_s6_on_qemu(pulse_s6: Prepared) -> None:
    assert_exact(pulse_s6.bench("netduinoplus2", "qemu"), 215)


def test_pulse_s6_quantizes_quickly(pulse_s6: Prepared, tmp_path: Path) -> None:
    """In processor time: what the clock on the wall says depends on who else is running tests."""

    def seconds_of_children() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = seconds_of_children()
    prepare(tmp_path, "pulse_s6", pulse_s6.data, pulse_s6.data)
    assert 0.0 < seconds_of_children() - before <= 8.0


def test_dynamic_batch_gives_the_same_model(pulse_s6: Prepared, tmp_path: Path) -> None:
    arguments = ("--card", CARDS / "pulse_s6.toml", "--calib", pulse_s6.data)
    succeeded(ppg_deploy("quantize", student("pulse_s6_dyn"), *arguments, folder=tmp_path))
    from ppg_deploy.tflite import read_tflite

    first = read_tflite(pulse_s6.folder / "build" / "model.tflite")
    second = read_tflite(tmp_path / "build" / "model.tflite")
    assert [t.quantization for t in first.tensors.values()] == [
        t.quantization for t in second.tensors.values()
    ]


def test_resnet2_dev_on_unicorn(resnet2_dev: Prepared) -> None:
    report = resnet2_dev.bench("nucleo-l4", "unicorn", "--count", "4")
    assert_exact(report, 520)
    assert abs(report["accuracy"]["mae_device"] - report["accuracy"]["mae_float"]) <= 0.3


@requires_qemu
def test_resnet2_dev_on_qemu(resnet2_dev: Prepared) -> None:
    assert_exact(resnet2_dev.bench("netduinoplus2", "qemu"), 520)


def test_pulse_dev_on_unicorn(pulse_dev: Prepared) -> None:
    report = pulse_dev.bench("nucleo-l4", "unicorn", "--count", "2")
    assert_exact(report, 150)
    assert abs(report["accuracy"]["mae_device"] - report["accuracy"]["mae_float"]) <= 0.5


def test_float_errors_are_those_of_the_students_readme(
    tmp_path: Path, resnet2_dev: Prepared, pulse_dev: Prepared
) -> None:
    """The whole validation recordings through quantize: pre-processing, decode and post-filter are all in these."""
    expected = {"resnet2_dev": (6.99, 5.34), "pulse_dev": (8.56, 8.68)}
    for name, prepared in (("resnet2_dev", resnet2_dev), ("pulse_dev", pulse_dev)):
        succeeded(
            ppg_deploy(
                "quantize",
                student(name),
                *("--card", CARDS / f"{name}.toml"),
                *("--calib", prepared.folder / "train.npz"),
                *("--data", prepared.folder / "val.npz"),
                *("--out", name),
                folder=tmp_path,
            )
        )
        accuracy = json.loads((tmp_path / name / "quantize.json").read_text())["accuracy"]
        raw, filtered = expected[name]
        assert accuracy["windows"] == 1512
        assert accuracy["mae_float"] == pytest.approx(raw, abs=0.01)
        assert accuracy["mae_float_filtered"] == pytest.approx(filtered, abs=0.01)
        assert abs(accuracy["mae_int8"] - accuracy["mae_float"]) <= 0.15
        assert accuracy["delta_mae"] == pytest.approx(accuracy["mae_int8"] - accuracy["mae_float"])
        # Five named subjects and more than 1,000 windows: the gate decides, and `succeeded` says it did not fail.
        assert len(accuracy["subjects"]) == accuracy["delta_interval"]["units"] == 5
