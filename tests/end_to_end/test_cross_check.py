"""Both routes on the same students and windows: equal error within noise, files audited and equal to TFLM's answers.

Needs the [tf] extra, which has a virtual environment of its own: make cross-check.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.handover import QuantizeReport
from ppg_deploy.onnx2tf_route import missing_packages
from ppg_deploy.quantization import quantize_windows
from ppg_deploy.tflite import read_tflite
from tests.support.commands import DEMO
from tests.support.onnx_networks import OnnxNetwork, pulse_student, residual_network
from tests.support.shared_data import CARDS, requires_shared, student, write_recording_windows

pytestmark = [
    pytest.mark.tf,
    pytest.mark.skipif(
        bool(missing_packages()), reason=f"the [tf] extra is not installed: {', '.join(missing_packages())}"
    ),
]
# The error of one route over that of the other. They differ in where they round: ours folds a batch norm into one
# operator instead of two, theirs gives the mean over time a scale of its own.
LARGEST_RATIO = 1.6


def both_routes(
    folder: Path, model: Path, calibration: Path, card: Path | None = None, data: Path | None = None
) -> tuple[QuantizeReport, QuantizeReport]:
    direct = api.quantize(model, out=folder / "direct", calibration=calibration, card=card, data=data)
    onnx2tf = api.quantize(
        model, out=folder / "onnx2tf", calibration=calibration, card=card, data=data, converter="onnx2tf"
    )
    check_file(folder / "onnx2tf" / "model.tflite", calibration, onnx2tf)
    return direct, onnx2tf


def check_file(path: Path, calibration: Path, report: QuantizeReport) -> None:
    """TFLM, our reference and the reported axes agree on TensorFlow's file, and the compiler takes it."""
    graph = read_tflite(path)
    assert all(tensor.dtype.value != "float32" for tensor in graph.tensors.values())
    windows = np.load(calibration)["x"][:16]
    facts = report.model.input
    assert windows[0].shape == facts.onnx_shape[1:]
    # Any int8 numbers would do here; the axes are proven by the error in BPM.
    codes = quantize_windows(windows.transpose(facts.onnx_axes).reshape(-1, *facts.shape[1:]), graph.input)
    expected = TflmInterpreter(path.read_bytes()).run(codes)
    np.testing.assert_array_equal(run_quantized_output(graph, codes).reshape(len(codes), -1), expected)
    compile_graph(graph, model_sha256=report.model.file.sha256, dsp=True)


def assert_equal_errors(direct: QuantizeReport, onnx2tf: QuantizeReport) -> None:
    assert onnx2tf.float_check.relative_error < 1e-4
    ours, theirs = direct.accuracy.mean_abs_difference, onnx2tf.accuracy.mean_abs_difference
    assert max(ours, theirs) <= LARGEST_RATIO * min(ours, theirs), (ours, theirs)


def random_windows(path: Path, shape: tuple[int, ...]) -> Path:
    """The weights are random, too: a heart rate would mean nothing, so errors are in units of the output."""
    rng = np.random.default_rng(11)
    np.savez(path, x=rng.standard_normal((200, *shape)).astype(np.float32))
    return path


def test_demo_student(tmp_path: Path) -> None:
    before = hashlib.sha256((DEMO / "student.onnx").read_bytes()).hexdigest()
    direct, onnx2tf = both_routes(
        tmp_path, DEMO / "student.onnx", DEMO / "student.calib.npz", DEMO / "student.toml", DEMO / "test.npz"
    )
    assert_equal_errors(direct, onnx2tf)
    assert direct.accuracy.mae_int8 == pytest.approx(onnx2tf.accuracy.mae_int8, abs=0.15)
    assert direct.accuracy.mae_float == pytest.approx(onnx2tf.accuracy.mae_float, abs=1e-4)
    assert onnx2tf.output_range is None
    assert onnx2tf.onnx2tf is not None
    assert onnx2tf.onnx2tf.versions["onnx2tf"] == "1.28.8"
    # onnx2tf overwrites its input when it is given a path.
    assert hashlib.sha256((DEMO / "student.onnx").read_bytes()).hexdigest() == before


def residual(blocks: int) -> Callable[[Path], Path]:
    return lambda path: residual_network(path, blocks)


@pytest.mark.parametrize(
    ("shape", "write"),
    [
        pytest.param((1, 200), residual(2), id="residual-2"),
        pytest.param((1, 200), residual(1), id="residual-1", marks=pytest.mark.slow),
        pytest.param((1, 200), residual(6), id="residual-6", marks=pytest.mark.slow),
        pytest.param((1, 4, 256), pulse_student, id="pulse", marks=pytest.mark.slow),
    ],
)
def test_random_network(tmp_path: Path, shape: tuple[int, ...], write: Callable[[Path], Path]) -> None:
    model = write(tmp_path / "network.onnx")
    direct, onnx2tf = both_routes(tmp_path, model, random_windows(tmp_path / "calib.npz", shape))
    assert_equal_errors(direct, onnx2tf)


@pytest.mark.slow
@requires_shared
@pytest.mark.parametrize("name", ["pulse_dev", "resnet2_dev"])
def test_real_student(tmp_path: Path, name: str) -> None:
    pytest.importorskip("scipy")
    windows = write_recording_windows(tmp_path / "train.npz", name, "train")
    # resnet2_dev answers with the argmax: on 400 windows a few jumps move the MAE by 0.3 BPM, on 1,512 by 0.04.
    held_out = write_recording_windows(tmp_path / "val.npz", name, "val")
    direct, onnx2tf = both_routes(tmp_path, student(name), windows, CARDS / f"{name}.toml", held_out)
    assert_equal_errors(direct, onnx2tf)
    assert direct.accuracy.mae_int8 == pytest.approx(onnx2tf.accuracy.mae_int8, abs=0.15)


@pytest.mark.slow
def test_softmax_head_is_cut_alike(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    probabilities = net.add("Softmax", net.dense(net.add("Flatten", "x"), 100, 70), axis=1)
    bins = net.constant((40.0 + 2.0 * np.arange(70)).astype(np.float32)[:, None])
    model = net.save(tmp_path / "network.onnx", net.add("MatMul", probabilities, bins))
    direct, onnx2tf = both_routes(tmp_path, model, random_windows(tmp_path / "calib.npz", (4, 25)))
    assert direct.head_cut
    assert onnx2tf.head_cut
    assert onnx2tf.model.output.shape == (1, 70)
    assert_equal_errors(direct, onnx2tf)


@pytest.mark.slow
def test_operator_left_in_float_is_refused(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    wave = net.add("Sin", net.conv("x", 4, 8, (3,)))
    model = net.save(tmp_path / "network.onnx", net.dense(net.add("Flatten", wave), 184, 1))
    windows = random_windows(tmp_path / "calib.npz", (4, 25))
    with pytest.raises(UnsupportedModelError, match=r"network\.onnx: onnx2tf .*operator 3 is DEQUANTIZE"):
        api.quantize(model, out=tmp_path / "out", calibration=windows, converter="onnx2tf")
    assert not (tmp_path / "out").exists()
