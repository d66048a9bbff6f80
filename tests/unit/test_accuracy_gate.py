"""Bootstrap, evaluation and gate against figures worked by hand."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from ppg_deploy import api
from ppg_deploy.config import GateConfig
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.handover import AccuracyFacts, NamedFile, SubjectFacts
from ppg_deploy.quantization import dequantize_codes, quantize_windows
from ppg_deploy.quantization.bootstrap import BLOCK_WINDOWS, bootstrap_interval
from ppg_deploy.quantization.gate import describe_failures, judge
from ppg_deploy.quantization.preparation import middles_of_recordings
from ppg_deploy.tflite import read_tflite
from ppg_deploy.windows import Windows
from tests.support.small_students import SCALAR, write_card, write_regressor, write_windows


def test_bootstrap_of_equal_values_is_that_value() -> None:
    interval = bootstrap_interval(np.full(40, 0.25), np.repeat(["a", "b", "c", "d"], 10))
    assert interval is not None
    assert (interval.low, interval.high, interval.over, interval.units) == (0.25, 0.25, "subjects", 4)


def test_bootstrap_of_two_subjects_by_hand() -> None:
    """Draws of two subjects with means 0 and 1: 0, 0.5, 0.5, 1 with a quarter each, so 95 % reach from 0 to 1."""
    interval = bootstrap_interval(np.repeat([0.0, 1.0], 50), np.repeat(["a", "b"], 50))
    assert interval is not None
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_bootstrap_agrees_with_the_normal_approximation() -> None:
    means = np.random.default_rng(2).normal(0.3, 1.0, 200)
    interval = bootstrap_interval(np.repeat(means, 5), np.repeat(np.arange(200).astype(str), 5))
    assert interval is not None
    half_width = 1.96 * means.std() / np.sqrt(200)
    assert interval.low == pytest.approx(means.mean() - half_width, abs=0.1 * half_width)
    assert interval.high == pytest.approx(means.mean() + half_width, abs=0.1 * half_width)


def test_large_subjects_weigh_more() -> None:
    """99 windows at 1 and 1 window at 0: no draw but that of the small subject alone goes below 0.99."""
    interval = bootstrap_interval(np.array([1.0] * 99 + [0.0]), np.array(["a"] * 99 + ["b"]))
    assert interval is not None
    assert interval.low == 0.0
    assert interval.high == 1.0


@pytest.mark.parametrize("subject", [None, np.full(4 * BLOCK_WINDOWS, "only")])
def test_one_subject_is_drawn_in_blocks(subject: np.ndarray | None) -> None:  # type: ignore[type-arg]
    values = np.repeat([1.0, 1.0, 1.0, 1.0], BLOCK_WINDOWS)
    interval = bootstrap_interval(values, subject)
    assert interval is not None
    assert (interval.over, interval.units) == ("blocks of windows", 4)
    assert bootstrap_interval(values[:BLOCK_WINDOWS], None) is None


def five_subjects(windows: int) -> tuple[SubjectFacts, ...]:
    """Four at +0.1 and one of so many windows at +1.1."""
    good = SubjectFacts(subject="s", windows=300, mae_float=5.0, mae_int8=5.1, delta_mae=0.1)
    bad = SubjectFacts(subject="t", windows=windows, mae_float=1.0, mae_int8=2.1, delta_mae=1.1)
    return (good, good, bad, good, good)


def facts(**changes: object) -> AccuracyFacts:
    subject = SubjectFacts(subject="s", windows=300, mae_float=5.0, mae_int8=5.1, delta_mae=0.1)
    values: dict[str, object] = {
        "file": NamedFile(path="w.npz", sha256="0"),
        "windows": 1500,
        "is_calibration": False,
        "mae_float": 5.0,
        "mae_int8": 5.1,
        "mae_float_filtered": 4.0,
        "mae_int8_filtered": 4.1,
        "delta_mae": 0.1,
        "delta_mae_filtered": 0.1,
        "delta_interval": None,
        "delta_interval_filtered": None,
        "subjects": (subject,) * 5,
        "worst_subject": subject,
        "mean_abs_difference": 0.5,
        "p95_abs_difference": 2.0,
        "max_abs_difference": 10.0,
        "changed_answers": 3,
        "saturated_low": 0,
        "saturated_high": 0,
        "output_codes": 1500,
        "unit": "BPM",
    }
    return AccuracyFacts.model_validate(values | changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "pass"),
        ({"delta_mae": -3.0}, "pass"),
        ({"delta_mae": 0.3}, "pass"),
        ({"delta_mae": 0.31}, "warn"),
        ({"delta_mae_filtered": 0.51}, "fail"),
        ({"mean_abs_difference": 1.28}, "warn"),
        ({"p95_abs_difference": 5.01}, "fail"),
        ({"delta_mae": 0.4, "p95_abs_difference": 5.01}, "fail"),
        ({"subjects": five_subjects(300)}, "fail"),
        ({"subjects": five_subjects(99)}, "pass"),
    ],
)
def test_verdict(changes: dict[str, object], verdict: str) -> None:
    gate = judge(facts(**changes), GateConfig())
    assert gate.verdict == verdict
    assert gate.reason is None
    assert bool(describe_failures(gate)) == (verdict == "fail")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"windows": 999}, "999 windows are fewer than 1,000"),
        ({"subjects": ()}, "0 named subjects are fewer than 5"),
        ({"delta_mae": None, "mae_int8": None}, "no labels"),
        ({"unit": "model output"}, "no student card"),
    ],
)
def test_not_gated(changes: dict[str, object], reason: str) -> None:
    gate = judge(facts(p95_abs_difference=99.0, **changes), GateConfig())
    assert gate.verdict == "not gated"
    assert gate.reason is not None
    assert reason in gate.reason


def test_thresholds_are_configurable() -> None:
    small = facts(windows=50, subjects=())
    assert judge(small, GateConfig(min_windows=50, min_subjects=0)).verdict == "pass"
    gate = judge(small, GateConfig(min_windows=50, min_subjects=0, delta_mae=(0.01, 0.05)))
    assert gate.verdict == "fail"
    assert "delta_mae is 0.10 BPM, above the limit of 0.05 BPM" in describe_failures(gate)
    with pytest.raises(ValidationError, match="delta_mae must be"):
        GateConfig(delta_mae=(0.5, 0.3))


def test_middles_of_recordings() -> None:
    count = 100
    windows = Windows(
        Path("w.npz"),
        np.zeros((count, 1, 4), np.float32),
        None,
        np.repeat(["a", "b"], [60, 40]),
        np.concatenate([2.0 * np.arange(60), 2.0 * np.arange(40)]).astype(np.float32),
    )
    short = middles_of_recordings(windows, 50, 2.0)
    assert short.subject is not None and short.start_s is not None
    assert short.subject.tolist() == ["a"] * 30 + ["b"] * 20
    assert short.start_s.tolist() == [*(2.0 * np.arange(15, 45)), *(2.0 * np.arange(10, 30))]
    assert middles_of_recordings(windows, 100, 2.0) is windows


def test_evaluation_against_an_independent_calculation(tmp_path: Path) -> None:
    """Every figure again from the .tflite and onnxruntime, subject by subject."""
    import onnxruntime

    write_card(tmp_path, SCALAR)
    data = dict(np.load(write_windows(tmp_path, 120, subjects=4)))
    data["x"][:10] *= 8.0
    np.savez(tmp_path / "student.calib.npz", **data)
    model = write_regressor(tmp_path)
    report = api.quantize(model, out=tmp_path / "out")
    accuracy = report.accuracy
    session = onnxruntime.InferenceSession(str(model))
    exact = np.clip([session.run(None, {"x": window[None]})[0].item() for window in data["x"]], 30, 210)
    graph = read_tflite(tmp_path / "out" / "model.tflite")
    codes = run_quantized_output(
        graph, quantize_windows(data["x"].transpose(0, 2, 1)[:, None], graph.input)
    ).reshape(-1)
    answers = np.clip(dequantize_codes(codes, graph.output), 30, 210)
    change = np.abs(answers - data["hr"]) - np.abs(exact - data["hr"])
    assert accuracy.delta_mae == pytest.approx(change.mean(), abs=1e-4)
    by_subject = change.reshape(4, 30).mean(axis=1)
    assert [part.delta_mae for part in accuracy.subjects] == pytest.approx(by_subject, abs=1e-4)
    assert accuracy.worst_subject is not None
    assert accuracy.worst_subject.subject == f"s{by_subject.argmax()}"
    difference = np.abs(answers - exact)
    assert accuracy.p95_abs_difference == pytest.approx(np.sort(difference)[[113, 114]].mean(), rel=0.1)
    assert accuracy.changed_answers == (difference > 5.0).sum()
    assert accuracy.saturated_low == (codes == -128).sum() > 0
    assert accuracy.saturated_high == (codes == 127).sum() > 0
    assert accuracy.output_codes == 120
    assert accuracy.delta_interval is not None
    assert accuracy.delta_interval.units == 4
    assert accuracy.delta_interval.low <= accuracy.delta_mae <= accuracy.delta_interval.high
    assert report.gate.verdict == "not gated"
