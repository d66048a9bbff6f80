"""The options of ppg-deploy quantize as a user types them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import ppg_deploy, succeeded
from tests.support.small_students import SCALAR, write_card, write_regressor, write_windows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path, subjects=4)
    write_regressor(tmp_path)
    return tmp_path


def quantized(folder: Path, *options: str) -> dict[str, Any]:
    succeeded(ppg_deploy("quantize", "student.onnx", "--quiet", *options, folder=folder))
    return dict(json.loads((folder / "build" / "quantize.json").read_text()))


def test_every_option_is_recorded_and_repeatable(folder: Path) -> None:
    options = ("--method", "percentile", "--percentile", "99.5", "--bias-correction", "--clip-input", "2")
    options += ("--output-range", "-10,250")
    report = quantized(folder, *options)
    calibration = report["calibration"]
    assert calibration["method"] == "percentile"
    assert calibration["percentile"] == 99.5
    assert calibration["bias_correction"] is True
    assert calibration["input_clip"] == 2.0
    assert report["output_range"] == [-10.0, 250.0]
    # The windows are standard normal: two standard deviations, less the 0.5 % that the percentile cuts off.
    low, high = calibration["input_limits"]
    assert low == pytest.approx(-2.0, abs=0.1)
    assert high == pytest.approx(2.0, abs=0.1)
    tensor = report["model"]["input"]
    assert (127 - tensor["zero_point"]) * tensor["scale"] == pytest.approx(high, abs=0.1)
    assert (127 - report["model"]["output"]["zero_point"]) * report["model"]["output"][
        "scale"
    ] == pytest.approx(250.0, abs=1.0)
    model = (folder / "build" / "model.tflite").read_bytes()
    assert quantized(folder, *options) == report
    assert (folder / "build" / "model.tflite").read_bytes() == model


def test_calibrated_output_range(folder: Path) -> None:
    report = quantized(folder, "--output-range", "calibrated")
    assert report["output_range"] is None
    # Every answer is above zero, which int8 always represents; the highest is the highest of the windows.
    calibrated, used = (report["operators"][-1][name] for name in ("range_calibrated", "range_used"))
    assert calibrated[0] == 0.0
    assert calibrated[1] == pytest.approx(used[1], rel=1e-3)
    assert used[1] < 205.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "average"), "--method"),
        (("--output-range", "30"), "--output-range"),
        (("--output-range", "low,high"), "--output-range"),
        (("--percentile", "3"), "--percentile"),
        (("--clip-input", "-1"), "--clip-input"),
    ],
)
def test_wrong_options(folder: Path, options: tuple[str, ...], message: str) -> None:
    result = ppg_deploy("quantize", "student.onnx", *options, folder=folder)
    assert result.returncode == 2
    assert message in result.stderr
    assert "hint:" in result.stderr
    assert not (folder / "build").exists()


def test_sweep_writes_a_table_and_no_model(folder: Path) -> None:
    before = quantized(folder)
    files = {path.name: path.read_bytes() for path in (folder / "build").iterdir()}
    result = succeeded(ppg_deploy("quantize", "student.onnx", "--sweep", folder=folder))
    for word in ("min-max +bias ", "percentile +clip", "mse +bias +clip", "dMAE"):
        assert word in result.stdout
    sweep = json.loads((folder / "build" / "sweep.json").read_text())
    rows = sweep["rows"]
    variants = {(row["method"], row["bias_correction"], row["input_clip"]) for row in rows}
    assert len(rows) == len(variants) == 12
    assert {row["input_clip"] for row in rows} == {None, 4.0}
    default = next(row for row in rows if row["method"] == "min-max" and not row["bias_correction"])
    for figure in (
        "mae_int8",
        "delta_mae",
        "mean_abs_difference",
        "p95_abs_difference",
        "max_abs_difference",
    ):
        assert default[figure] == before["accuracy"][figure]
    after = {path.name: path.read_bytes() for path in (folder / "build").iterdir()}
    del after["sweep.json"]
    assert after == files


def test_int16x8_with_the_other_options(folder: Path) -> None:
    report = quantized(folder, "--int16x8", "--method", "mse", "--bias-correction")
    assert report["activations"] == "int16"
    assert report["calibration"]["method"] == "mse"
    assert report["accuracy"]["mean_abs_difference"] < 0.5
    assert (folder / "build" / "model.tflite").is_file()


def test_sweep_as_json(folder: Path) -> None:
    result = succeeded(ppg_deploy("quantize", "student.onnx", "--sweep", "--json", folder=folder))
    assert len(json.loads(result.stdout)["rows"]) == 12
    assert not (folder / "build" / "model.tflite").exists()


def test_failed_gate_names_the_threshold_and_keeps_the_results(folder: Path) -> None:
    (folder / "ppg.toml").write_text(
        "[gate]\nmin_windows = 100\nmin_subjects = 4\nmean_abs_difference = [0.0, 0.001]\n"
    )
    result = ppg_deploy("quantize", "student.onnx", folder=folder)
    assert result.returncode == 7
    assert "mean_abs_difference is" in result.stderr
    assert "above the limit of 0.001 BPM" in result.stderr
    report = json.loads((folder / "build" / "quantize.json").read_text())
    assert report["gate"]["verdict"] == "fail"
    assert (folder / "build" / "model.tflite").is_file()


def test_gate_passes(folder: Path) -> None:
    (folder / "ppg.toml").write_text(
        "[gate]\nmin_windows = 100\nmin_subjects = 4\np95_abs_difference = [5.0, 6.0]\n"
        "mean_abs_difference = [3.0, 4.0]\n"
    )
    result = succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    assert "accuracy gate: pass" in result.stdout


def test_one_sided_windows_are_warned_of_with_a_histogram(folder: Path) -> None:
    arrays = dict(np.load(folder / "student.calib.npz"))
    arrays["hr"] = np.clip(arrays["hr"], 120, None)
    np.savez(folder / "student.calib.npz", **arrays)
    result = succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    assert "hardly any calibration windows at 60 to 80, 80 to 100, 100 to 120 BPM" in result.stderr
    assert "120 to 140 BPM" in result.stderr
    assert "####" in result.stderr


def test_plot_option(folder: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    quantized(folder, "--plot")
    assert (folder / "build" / "quantize.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (folder / "build" / "quantize.svg").read_bytes()
