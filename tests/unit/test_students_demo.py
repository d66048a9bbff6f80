"""The shipped demo students do what their cards and their READMEs say."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from models.distil.synthetic_subjects import SyntheticSubjects
from models.evaluate import generated_windows, main, measure, subjects_of
from models.synth import generate_window_set
from ppg_deploy import api
from ppg_deploy.card import load_card
from ppg_deploy.files import sha256_of_file
from ppg_deploy.windows import load_windows

MODELS = Path(__file__).parents[2] / "models"
BINS_BPM = 30.0 + np.arange(180)


@dataclass(frozen=True)
class Demo:
    """What is known of a demo student without its files."""

    name: str
    parameters: int
    input_shape: tuple[int, ...]
    output: tuple[str, int]

    @property
    def folder(self) -> Path:
        return MODELS / self.name

    @property
    def result(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "result.json").read_text())
        return loaded

    @property
    def subjects(self) -> SyntheticSubjects:
        settings = tomllib.loads((self.folder / "distil.toml").read_text())
        return SyntheticSubjects.model_validate(settings["data"]["synthetic"])

    def as_input(self, raw: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Normalisation of the card, written out for these two students."""
        if self.name == "resnet2-demo":
            centred = raw - raw.mean(axis=-1, keepdims=True)
            return np.asarray(centred / centred.std(axis=-1, keepdims=True), np.float32)
        channels = load_card(self.folder / "student.toml").model_dump()["input"]["channel"]
        mean, std = (np.array([channel[key] for channel in channels]) for key in ("mean", "std"))
        return np.asarray((raw - mean[:, None]) / std[:, None], np.float32)

    def bpm(self, answers: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Heart rates of answers (N, outputs): expectation over the 10 bins on either side of the highest."""
        if self.output[1] == 1:
            return answers[:, 0]
        rates = []
        for logits in answers:
            peak = int(logits.argmax())
            near = slice(max(peak - self.half_width, 0), peak + self.half_width + 1)
            weights = np.exp(logits[near] - logits[peak])
            rates.append((weights * BINS_BPM[near]).sum() / weights.sum())
        return np.array(rates)

    @property
    def half_width(self) -> int:
        card = tomllib.loads((self.folder / "student.toml").read_text())
        return int(card["output"]["half_width_bpm"])


DEMOS = (
    Demo("pulse-demo", 27_241, (1, 4, 256), ("hr", 1)),
    Demo("resnet2-demo", 27_060, (1, 200), ("logits", 180)),
)
every_demo = pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)


@every_demo
def test_files_are_those_that_were_measured(demo: Demo) -> None:
    for name, expected in demo.result["sha256"].items():
        assert sha256_of_file(demo.folder / name) == expected, name
    assert subjects_of(demo.folder) == demo.subjects


@every_demo
def test_settings_are_those_of_the_committed_file(demo: Demo) -> None:
    pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")
    from models.distil.settings import read_settings

    assert demo.result["settings"] == read_settings(demo.folder / "distil.toml").model_dump(mode="json")


@every_demo
def test_shipped_windows_give_the_stated_error(demo: Demo) -> None:
    """Computed here from the files alone, without the project's own evaluation."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(demo.folder / "student.onnx")
    with np.load(demo.folder / "test.npz") as test:
        x = demo.as_input(test["x"])
        answers = np.concatenate([session.run(None, {"x": window[None]})[0] for window in x])
        errors = np.abs(demo.bpm(answers) - test["hr"])
        constant = np.abs(np.median(test["hr"]) - test["hr"]).mean()
    stated = demo.result["shipped"]["test_error_bpm"]
    assert errors.mean() == pytest.approx(stated["mae"], abs=0.01)
    assert np.median(errors) == pytest.approx(stated["median_error"], abs=0.01)
    assert errors.mean() < 5.0
    assert errors.mean() < 0.3 * constant
    measured = measure(
        demo.folder / "student.onnx", demo.folder / "student.toml", load_windows(demo.folder / "test.npz")
    )
    assert measured.mae == pytest.approx(errors.mean(), abs=0.001)


@every_demo
def test_int8_error_is_the_stated_one_in_tflm(demo: Demo, tmp_path: Path) -> None:
    """Quantised anew, answered by TFLM's interpreter, decoded here."""
    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    from ppg_deploy.golden.tflm import TflmInterpreter

    report = api.quantize(demo.folder / "student.onnx", out=tmp_path, data=demo.folder / "test.npz")
    given, answered = report.model.input, report.model.output
    with np.load(demo.folder / "test.npz") as test:
        steps = np.round(demo.as_input(test["x"]) / given.scale) + given.zero_point
        # (N, 1, 4, 256) with channels last, as TFLite has it; (N, 1, 200) likewise.
        codes = np.clip(steps, -128, 127).astype(np.int8).transpose(given.onnx_axes)
        interpreter = TflmInterpreter((tmp_path / "model.tflite").read_bytes())
        answers = (interpreter.run(codes).astype(float) - answered.zero_point) * answered.scale
        mae = np.abs(demo.bpm(answers) - test["hr"]).mean()
    stated = demo.result["shipped"]["int8"]
    assert mae == pytest.approx(stated["mae_int8"], abs=0.005)
    assert stated["windows"] == 96
    assert report.accuracy.mae_int8 == pytest.approx(stated["mae_int8"], abs=0.005)


@every_demo
def test_held_out_error_is_the_stated_one_on_a_sample(demo: Demo) -> None:
    stated = demo.result["student"]["test_error_bpm"]
    assert stated["mae"] < 5.0
    assert stated["mae"] < 0.3 * stated["mae_constant"]
    subjects = demo.subjects
    seeds = subjects.test_seeds[:10]
    sample = generated_windows(demo.folder, demo.input_shape, seeds, subjects.seconds_per_subject)
    measured = measure(demo.folder / "student.onnx", demo.folder / "student.toml", sample)
    assert measured.mae < 2.0 * stated["mae"] + 1.0
    assert measured.worst_subject_mae <= stated["worst_subject_mae"] + 0.01


@every_demo
def test_readme_states_the_measured_errors(demo: Demo) -> None:
    """The tables of the card: columns float, float filtered, int8; the same of the student without a teacher."""
    text = (demo.folder / "README.md").read_text()
    rows = {
        name: [float(cell) for cell in cells.split("|")]
        for name, cells in re.findall(r"^\| `([\w ]+)` \|([\d .|]+)\|$", text, re.MULTILINE)
    }
    result = demo.result
    assert set(rows) == {"distilled", "scratch", "shipped"}
    for name, facts in (
        ("distilled", result["student"]),
        ("scratch", result["from_scratch"]),
        ("shipped", result["shipped"]),
    ):
        error, int8 = facts["test_error_bpm"], facts["int8"]
        int8 = int8.get("after", int8.get("before", int8))
        expected = [
            error["windows"],
            error["subjects"],
            error["mae"],
            int8["mae_int8"],
            error["mae_post_filtered"],
            error["median_error"],
            error["worst_subject_mae"],
            error["mae_constant"],
        ]
        assert rows[name] == pytest.approx(expected, abs=0.006), name


@every_demo
def test_readme_says_what_the_student_is_not(demo: Demo) -> None:
    text = (demo.folder / "README.md").read_text()
    assert "synthetic" in text
    assert "demonstration only" in text
    assert "not a medical device" in text
    assert f"python -m models.distil models/{demo.name}/distil.toml --out" in text


@every_demo
def test_network_is_the_published_one_and_small(demo: Demo) -> None:
    model = onnx.load(demo.folder / "student.onnx")
    onnx.checker.check_model(model)
    (given,), (answered,) = model.graph.input, model.graph.output
    assert (given.name, answered.name) == ("x", demo.output[0])
    assert [axis.dim_value for axis in given.type.tensor_type.shape.dim] == [1, *demo.input_shape]
    assert answered.type.tensor_type.shape.dim[-1].dim_value == demo.output[1]
    assert demo.result["student"]["parameters"] == demo.parameters
    assert (demo.folder / "student.onnx").stat().st_size < 200_000


def test_pulse_student_holds_the_published_parameters() -> None:
    model = onnx.load(MODELS / "pulse-demo" / "student.onnx")
    assert sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer) == 27_241


@every_demo
def test_calibration_windows_span_the_heart_rates_and_are_small(demo: Demo) -> None:
    calibration = load_windows(demo.folder / "student.calib.npz")
    assert calibration.x.shape[1:] == demo.input_shape
    assert len(calibration) >= 128
    assert calibration.hr is not None
    counts, _ = np.histogram(calibration.hr, np.arange(60.0, 181.0, 20.0))
    assert counts.min() >= 10
    assert (demo.folder / "student.calib.npz").stat().st_size < 700_000


@every_demo
def test_no_subject_is_used_twice(demo: Demo) -> None:
    subjects = demo.subjects
    calibration = load_windows(demo.folder / "student.calib.npz")
    test = load_windows(demo.folder / "test.npz")
    assert calibration.subject is not None
    assert test.subject is not None
    assert set(calibration.subject) <= {f"synth_{seed}" for seed in subjects.train_seeds}
    assert set(test.subject) <= {f"synth_{seed}" for seed in subjects.test_seeds}


def test_test_windows_are_unbroken_runs_of_the_generator() -> None:
    demo = DEMOS[0]
    test = load_windows(demo.folder / "test.npz")
    runs = test.recordings(2.0)
    assert [run.stop - run.start for run in runs] == [24, 24, 24, 24]
    assert test.subject is not None
    assert test.start_s is not None
    assert test.hr is not None
    for run in runs:
        seed = int(test.subject[run.start].removeprefix("synth_"))
        again = generate_window_set([seed], demo.subjects.seconds_per_subject)
        first = int(test.start_s[run.start] / 2.0)
        rows = slice(first, first + 24)
        # Another CPU's sine may round a sample to the next count or the next 1/256 g.
        np.testing.assert_allclose(test.x[run, 0, 0], again.x[rows, 0, 0], atol=1.0)
        np.testing.assert_allclose(test.x[run, 0, 1:], again.x[rows, 0, 1:], atol=1 / 256)
        np.testing.assert_allclose(test.hr[run], again.hr[rows], atol=0.01)


def test_both_demos_ship_the_same_moments() -> None:
    first, second = (load_windows(demo.folder / "test.npz") for demo in DEMOS)
    assert first.subject is not None and second.subject is not None
    np.testing.assert_array_equal(first.subject, second.subject)
    np.testing.assert_array_equal(first.start_s, second.start_s)
    np.testing.assert_array_equal(first.hr, second.hr)


def test_evaluate_command_reports_a_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "hint:" in capsys.readouterr().err
