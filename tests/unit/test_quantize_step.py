"""The whole quantize step on small networks: heads, cards, warnings, ppg.toml."""

from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api, handover
from ppg_deploy.errors import AccuracyError, InputError
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.quantization import dequantize_codes, quantize_windows
from ppg_deploy.tflite import read_tflite
from tests.support.onnx_networks import OnnxNetwork
from tests.support.small_students import ARGMAX, SCALAR, write_card, write_regressor, write_windows


def write_classifier(folder: Path, *, expectation: bool) -> Path:
    net = OnnxNetwork((1, 4, 25))
    probabilities = net.add("Softmax", net.dense(net.add("Flatten", "x"), 100, 70), axis=1)
    if not expectation:
        return net.save(folder / "student.onnx", probabilities)
    bins = net.constant((40.0 + 2.0 * np.arange(70)).astype(np.float32)[:, None])
    return net.save(folder / "student.onnx", net.add("MatMul", probabilities, bins))


def test_scalar_output_gets_the_physiological_range(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path)
    report = api.quantize(write_regressor(tmp_path), out=tmp_path / "out")
    assert report.output_range == (0.0, 210.0)
    highest = (127 - report.model.output.zero_point) * report.model.output.scale
    assert highest == pytest.approx(210.0, rel=1e-3)
    assert report.accuracy.unit == "BPM"
    assert report.warnings == ()


def test_report_is_what_the_file_holds(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path)
    report = api.quantize(write_regressor(tmp_path), out=tmp_path / "out")
    assert handover.load_report(tmp_path / "out" / "quantize.json") == report


def test_errors_against_an_independent_calculation(tmp_path: Path) -> None:
    import onnxruntime

    write_card(tmp_path, SCALAR)
    data = np.load(write_windows(tmp_path))
    model = write_regressor(tmp_path)
    report = api.quantize(model, out=tmp_path / "out")
    session = onnxruntime.InferenceSession(str(model))
    exact = np.array([session.run(None, {"x": window[None]})[0].item() for window in data["x"]])
    assert report.accuracy.mae_float == pytest.approx(
        np.abs(np.clip(exact, 30, 210) - data["hr"]).mean(), rel=1e-5
    )
    graph = read_tflite(tmp_path / "out" / "model.tflite")
    # (N, channels, time) lies in the .tflite as (N, 1, time, channels).
    codes = quantize_windows(data["x"].transpose(0, 2, 1)[:, None], graph.input)
    answers = dequantize_codes(run_quantized_output(graph, codes), graph.output).reshape(-1)
    assert report.accuracy.mae_int8 == pytest.approx(np.abs(np.clip(answers, 30, 210) - data["hr"]).mean())
    assert report.model.input.onnx_axes == (0, 2, 1)


def test_expectation_head_becomes_the_decoder(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path)
    report = api.quantize(write_classifier(tmp_path, expectation=True), out=tmp_path / "out")
    assert report.head_cut
    assert report.model.output.shape == (1, 70)
    assert report.card is not None
    assert report.card.output.decode == "expectation"
    assert report.card.output.first_bin_bpm == pytest.approx(40.0)
    assert report.accuracy.mean_abs_difference < 1.0
    assert any("softmax-expectation head" in warning for warning in report.warnings)


def test_final_softmax_needs_a_classes_card(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path)
    model = write_classifier(tmp_path, expectation=False)
    with pytest.raises(InputError, match=r"output\.decode"):
        api.quantize(model, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    write_card(tmp_path, ARGMAX)
    report = api.quantize(model, out=tmp_path / "out")
    assert report.head_cut
    assert report.output_range is None


def test_number_of_outputs_must_fit_the_card(tmp_path: Path) -> None:
    write_card(tmp_path, ARGMAX)
    write_windows(tmp_path)
    with pytest.raises(InputError, match="one output per bin"):
        api.quantize(write_regressor(tmp_path), out=tmp_path / "out")


def test_without_card_and_labels_the_report_says_what_is_left_out(tmp_path: Path) -> None:
    write_windows(tmp_path, 20, labels=False)
    report = api.quantize(write_regressor(tmp_path), out=tmp_path / "out")
    assert report.card is None
    assert report.accuracy.mae_float is None
    assert report.accuracy.unit == "model output"
    assert any("no student card" in warning for warning in report.warnings)
    assert any("only 20 calibration windows" in warning for warning in report.warnings)


def test_labels_missing(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path, labels=False)
    report = api.quantize(write_regressor(tmp_path), out=tmp_path / "out")
    assert report.accuracy.mae_int8 is None
    assert report.accuracy.mean_abs_difference > 0
    assert any("no labels" in warning for warning in report.warnings)


def test_calibration_from_ppg_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = write_regressor(tmp_path)
    (tmp_path / "data").mkdir()
    write_windows(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no calibration windows"):
        api.quantize(model, out=tmp_path / "out")
    (tmp_path / "ppg.toml").write_text('[quantize]\ncalibration = "data/student.calib.npz"\n')
    report = api.quantize(model, out=tmp_path / "out")
    assert report.calibration.file.path == str(tmp_path / "data" / "student.calib.npz")


@pytest.mark.parametrize("text", ["[quantize]\ncalib = 1\n", "[quantize", "[flash]\n"])
def test_wrong_ppg_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ppg.toml").write_text(text)
    with pytest.raises(InputError, match=r"ppg\.toml"):
        api.quantize(write_regressor(tmp_path), out=tmp_path / "out")


def test_wrong_conversion_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check against onnxruntime must fail when the graph computes something else."""
    from ppg_deploy.convert import convolution

    right = convolution.convert_gemm

    def off_by_one_percent(node, builder) -> None:  # type: ignore[no-untyped-def]
        weights = builder.constants[node.inputs[1]]
        builder.constants[node.inputs[1]] = weights * np.float32(1.05)
        right(node, builder)

    from ppg_deploy.convert import converter

    monkeypatch.setitem(converter.CONVERTERS, "Gemm", off_by_one_percent)
    write_windows(tmp_path)
    with pytest.raises(AccuracyError, match="differs from onnxruntime"):
        api.quantize(write_regressor(tmp_path), out=tmp_path / "out")


def test_model_of_many_calibration_windows_reports_a_sample(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path, 1000)
    report = api.quantize(write_regressor(tmp_path), out=tmp_path / "out")
    assert report.calibration.windows == 400
    assert report.accuracy.windows == 400
    assert report.accuracy.mae_float_filtered is None
    labels = np.load(tmp_path / "student.calib.npz")["hr"]
    assert report.calibration.hr_low == pytest.approx(labels.min())
    assert report.calibration.hr_high == pytest.approx(labels.max())
