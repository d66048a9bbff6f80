"""int16 activations: parameters by hand, refusals, and what they gain over int8."""

from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Tensor
from ppg_deploy.graph.float_reference import run_float_output
from ppg_deploy.graph.int16_ops import KERNELS
from ppg_deploy.graph.operators import Add
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.quantization import calibrate, dequantize_codes, quantize_graph, quantize_windows
from ppg_deploy.quantization.fidelity import activation_fidelity
from ppg_deploy.quantization.int16 import symmetric_quantization_of_range
from ppg_deploy.quantization.weights import quantize_weights
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.onnx_networks import residual_network


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [
        (0.0, 32767.0, 1.0),
        (-65534.0, 1.0, 2.0),
        (-1.0, 3.0, 3.0 / 32767),
        (2.0, 3.0, 3.0 / 32767),
        (0.0, 0.0, 1.0),
    ],
)
def test_parameters_by_hand(low: float, high: float, scale: float) -> None:
    quantization = symmetric_quantization_of_range(low, high)
    assert quantization.scale == (float(np.float32(scale)),)
    assert quantization.zero_point == (0,)
    assert not quantization.per_channel


def test_codes_saturate_at_the_ends_of_int16() -> None:
    tensor = Tensor("x", (1, 4), DType.INT16, symmetric_quantization_of_range(-1.0, 1.0))
    codes = quantize_windows(np.array([[-2.0, -1.0, 0.5, 1.5]], np.float32), tensor)
    assert codes.dtype == np.int16
    assert codes.tolist() == [[-32768, -32767, 16384, 32767]]
    np.testing.assert_allclose(dequantize_codes(codes, tensor)[0, 1:3], [-1.0, 16384 / 32767], rtol=1e-6)


def test_bias_of_64_bits() -> None:
    weights = Tensor("w", (1, 1, 1, 1), DType.FLOAT32, data=np.array([[[[1.27]]]], np.float32))
    bias = Tensor("b", (1,), DType.FLOAT32, data=np.array([0.5], np.float32))
    _, offsets = quantize_weights(weights, bias, 0, input_scale=1e-4, bias_type=DType.INT64)
    assert offsets.dtype is DType.INT64
    assert offsets.data is not None
    assert offsets.data.dtype == np.int64
    # 0.5 / (1e-4 * 0.01), up to the rounding of the scale to single precision
    assert offsets.data.tolist() == [pytest.approx(500_000, abs=1)]


def test_operators_without_int16_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = convert_onnx(residual_network(tmp_path / "net.onnx", 2)).graph
    calibration = calibrate(graph, np.zeros((2, *graph.input.shape[1:]), np.float32))
    monkeypatch.delitem(KERNELS, Add)
    with pytest.raises(UnsupportedModelError) as caught:
        quantize_graph(graph, calibration, activations=DType.INT16)
    assert "ADD" in caught.value.message
    assert "--int16x8" in caught.value.hint
    assert quantize_graph(graph, calibration).input.dtype is DType.INT8


def test_int16_follows_the_float_graph_closer_than_int8(tmp_path: Path) -> None:
    graph = convert_onnx(residual_network(tmp_path / "net.onnx", 2)).graph
    x = np.random.default_rng(1).standard_normal((80, *graph.input.shape[1:])).astype(np.float32)
    exact = run_float_output(graph, x).reshape(len(x), -1)
    calibration = calibrate(graph, x)
    errors, noise = {}, {}
    for activations in (DType.INT8, DType.INT16):
        quantized = quantize_graph(graph, calibration, activations=activations)
        codes = run_quantized_output(quantized, quantize_windows(x, quantized.input))
        errors[activations] = float(np.abs(dequantize_codes(codes, quantized.output) - exact).mean())
        facts = activation_fidelity(graph, quantized, x)[1]
        assert all(0 <= fact.clipped < 0.01 for fact in facts)
        noise[activations] = min(fact.sqnr_db for fact in facts if fact.sqnr_db is not None)
    # The int8 weights' own error stays.
    assert errors[DType.INT16] < errors[DType.INT8] / 1.5
    assert noise[DType.INT16] > noise[DType.INT8] + 3


def test_file_keeps_types_and_zero_points(tmp_path: Path) -> None:
    graph = convert_onnx(residual_network(tmp_path / "net.onnx", 2)).graph
    x = np.random.default_rng(1).standard_normal((8, *graph.input.shape[1:])).astype(np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x), activations=DType.INT16)
    path = tmp_path / "model.tflite"
    path.write_bytes(write_tflite(quantized))
    read = read_tflite(path)
    activations = {name for operator in read.operators for name in (*operator.inputs[:1], *operator.outputs)}
    for name in activations:
        assert read.tensors[name].dtype is DType.INT16
        assert read.tensors[name].zero_point == 0
    constants = {tensor.dtype for tensor in read.tensors.values() if tensor.is_constant}
    assert constants >= {DType.INT8, DType.INT64}
    assert write_tflite(read) == path.read_bytes()
