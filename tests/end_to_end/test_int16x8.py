"""`quantize --int16x8`, then build and bench as always: the demo student, and the shared ones when they are there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.shared_data import CARDS, requires_shared, student, write_recording_windows

pytestmark = requires_compiler


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("int16"))
    calibration = np.load(folder / "student.calib.npz")
    np.savez(folder / "head.npz", **{name: calibration[name][:5] for name in calibration.files})
    succeeded(ppg_deploy("quantize", "student.onnx", "--int16x8", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    succeeded(
        ppg_deploy("bench", "--emulator", "unicorn", "--data", "head.npz", "--count", "1", folder=folder)
    )
    return folder


def _json(folder: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((folder / "build" / name).read_text()))


def test_device_answers_with_the_bytes_of_tflm(folder: Path) -> None:
    report = _json(folder, "report.json")
    assert report["outputs"]["compared"] == 5
    assert report["outputs"]["mismatched"] == 0
    assert report["model"]["activations"] == "int16"
    assert report["model"]["output_bytes"] == 2
    assert report["accuracy"]["mae_device"] == report["accuracy"]["mae_int8"]


def test_outputs_are_stored_under_their_type(folder: Path) -> None:
    outputs = np.load(folder / "build" / "outputs.npz")
    assert "y_int8" not in outputs.files
    assert outputs["y_int16"].dtype == np.int16
    assert outputs["y_int16"].shape == (5, 1)
    facts = _json(folder, "quantize.json")["model"]["output"]
    assert facts["zero_point"] == 0
    np.testing.assert_allclose(outputs["y_int16"][:, 0] * facts["scale"], outputs["bpm"], rtol=1e-6)


def test_closer_to_float_than_int8(folder: Path, tmp_path: Path) -> None:
    succeeded(ppg_deploy("quantize", copy_demo(tmp_path) / "student.onnx", folder=tmp_path))
    of_int8, of_int16 = _json(tmp_path, "quantize.json"), _json(folder, "quantize.json")
    assert (of_int8["activations"], of_int16["activations"]) == ("int8", "int16")
    assert of_int16["accuracy"]["mean_abs_difference"] < of_int8["accuracy"]["mean_abs_difference"] / 3


@requires_shared
@pytest.mark.parametrize("name", ["pulse_dev", "resnet2_dev"])
def test_shared_students_on_real_windows(name: str, tmp_path: Path) -> None:
    calibration = write_recording_windows(tmp_path / "train.npz", name, "train")
    arrays = np.load(write_recording_windows(tmp_path / "val.npz", name, "val"))
    data = tmp_path / "some.npz"
    np.savez(data, **{key: arrays[key][::14][:104] for key in arrays.files})
    arguments = ("--card", CARDS / f"{name}.toml", "--calib", calibration, "--data", data)
    difference = {}
    for out, option in (("eight", ()), ("sixteen", ("--int16x8",))):
        succeeded(ppg_deploy("quantize", student(name), *arguments, *option, "--out", out, folder=tmp_path))
        accuracy = json.loads((tmp_path / out / "quantize.json").read_text())["accuracy"]
        difference[out] = accuracy["mean_abs_difference"]
    assert difference["sixteen"] < difference["eight"] / 3
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", "--out", "sixteen", folder=tmp_path))
    head = tmp_path / "head.npz"
    np.savez(head, **{key: arrays[key][:24] for key in arrays.files})
    bench = ("bench", "--emulator", "unicorn", "--data", head, "--count", "1", "--out", "sixteen")
    succeeded(ppg_deploy(*bench, folder=tmp_path))
    report = json.loads((tmp_path / "sixteen" / "report.json").read_text())
    assert report["outputs"]["compared"] == 24
    assert report["outputs"]["mismatched"] == 0
    assert report["outputs"]["golden"].startswith("tflite-micro")
