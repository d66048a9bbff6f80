"""The shipped demo student does what its card and its README say."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models.training.config import read_config

from models.evaluate import generated_windows, main, measure
from models.synth import generate_window_set
from ppg_deploy.card import load_card
from ppg_deploy.files import sha256_of_file
from ppg_deploy.windows import load_windows

DEMO = Path(__file__).parents[2] / "models" / "pulse-demo"


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEMO / "result.json").read_text())
    return loaded


def test_files_are_those_that_were_measured(result: dict[str, Any]) -> None:
    for name, expected in result["sha256"].items():
        assert sha256_of_file(DEMO / name) == expected, name
    assert result["settings"] == read_config(DEMO / "train.toml").model_dump(mode="json")


def test_shipped_windows_give_the_stated_error(result: dict[str, Any]) -> None:
    """Computed here from the files alone, without the project's own evaluation."""
    onnxruntime = pytest.importorskip("onnxruntime")
    card = load_card(DEMO / "student.toml").model_dump()
    mean, std = (np.array([channel[key] for channel in card["input"]["channel"]]) for key in ("mean", "std"))
    session = onnxruntime.InferenceSession(DEMO / "student.onnx")
    with np.load(DEMO / "test.npz") as test:
        x = ((test["x"] - mean[:, None]) / std[:, None]).astype(np.float32)
        answers = np.array([session.run(["hr"], {"x": window[None]})[0][0, 0] for window in x])
        errors = np.abs(answers - test["hr"])
        constant = np.abs(np.median(test["hr"]) - test["hr"]).mean()
    stated = result["float_error_bpm"]["shipped"]
    assert errors.mean() == pytest.approx(stated["mae"], abs=0.01)
    assert np.median(errors) == pytest.approx(stated["median_error"], abs=0.01)
    assert errors.mean() < 5.0
    assert errors.mean() < 0.3 * constant
    measured = measure(DEMO / "student.onnx", DEMO / "student.toml", load_windows(DEMO / "test.npz"))
    assert measured.mae == pytest.approx(errors.mean(), abs=0.001)


def test_held_out_error_is_the_stated_one_on_a_sample(result: dict[str, Any]) -> None:
    stated = result["float_error_bpm"]["held_out"]
    assert stated["mae"] < 5.0
    assert stated["mae"] < 0.3 * stated["mae_constant"]
    data = read_config(DEMO / "train.toml").data
    sample = generated_windows(DEMO, data.test_seeds[:10], data.seconds_per_subject)
    measured = measure(DEMO / "student.onnx", DEMO / "student.toml", sample)
    assert measured.mae < 2.0 * stated["mae"] + 1.0
    assert measured.worst_subject_mae <= stated["worst_subject_mae"] + 0.01


def test_readme_states_the_measured_errors(result: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|$", (DEMO / "README.md").read_text(), re.MULTILINE)
    stated = {name: [float(cell) for cell in cells.split("|")] for name, cells in rows}
    keys = (
        "windows",
        "subjects",
        "mae",
        "mae_post_filtered",
        "median_error",
        "worst_subject_mae",
        "mae_constant",
    )
    assert set(stated) == {"shipped", "held_out"}
    for name, numbers in stated.items():
        expected = [result["float_error_bpm"][name][key] for key in keys]
        assert numbers == pytest.approx(expected, abs=0.006), name


def test_readme_says_what_the_student_is_not() -> None:
    text = (DEMO / "README.md").read_text()
    assert "synthetic" in text
    assert "demonstration only" in text
    assert "not a medical device" in text


def test_network_is_the_pulse_student() -> None:
    model = onnx.load(DEMO / "student.onnx")
    onnx.checker.check_model(model)
    assert sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer) == 27_241
    (given,), (answered,) = model.graph.input, model.graph.output
    shapes = [
        [dimension.dim_value for dimension in value.type.tensor_type.shape.dim] for value in (given, answered)
    ]
    assert (given.name, answered.name) == ("x", "hr")
    assert shapes == [[1, 1, 4, 256], [1, 1]]
    assert (DEMO / "student.onnx").stat().st_size < 120_000


def test_calibration_windows_span_the_heart_rates_and_are_small() -> None:
    calibration = load_windows(DEMO / "student.calib.npz")
    assert calibration.x.shape[1:] == (1, 4, 256)
    assert len(calibration) >= 128
    assert calibration.hr is not None
    counts, _ = np.histogram(calibration.hr, np.arange(60.0, 181.0, 20.0))
    assert counts.min() >= 10
    assert (DEMO / "student.calib.npz").stat().st_size < 700_000


def test_no_subject_is_used_twice() -> None:
    data = read_config(DEMO / "train.toml").data
    calibration, test = load_windows(DEMO / "student.calib.npz"), load_windows(DEMO / "test.npz")
    assert calibration.subject is not None
    assert test.subject is not None
    assert set(calibration.subject) <= {f"synth-{seed}" for seed in data.train_seeds}
    assert set(test.subject) <= {f"synth-{seed}" for seed in data.test_seeds}


def test_test_windows_are_unbroken_runs_of_the_generator() -> None:
    test = load_windows(DEMO / "test.npz")
    config = read_config(DEMO / "train.toml")
    runs = test.recordings(2.0)
    assert [run.stop - run.start for run in runs] == [24, 24, 24, 24]
    assert test.subject is not None
    assert test.start_s is not None
    assert test.hr is not None
    for run, seed in zip(runs, config.export.shipped_test_seeds, strict=True):
        again = generate_window_set([seed], config.data.seconds_per_subject)
        first = int(test.start_s[run.start] / 2.0)
        rows = slice(first, first + 24)
        # Another CPU's sine may round a sample to the next count or the next 1/256 g.
        np.testing.assert_allclose(test.x[run, 0, 0], again.x[rows, 0, 0], atol=1.0)
        np.testing.assert_allclose(test.x[run, 0, 1:], again.x[rows, 0, 1:], atol=1 / 256)
        np.testing.assert_allclose(test.hr[run], again.hr[rows], atol=0.01)


def test_evaluate_command_reports_a_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "hint:" in capsys.readouterr().err
