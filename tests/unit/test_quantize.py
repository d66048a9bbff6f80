"""Quantisation parameters against hand-worked values and the TensorFlow Lite quantisation specification."""

import numpy as np
import pytest

from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import Activation, AveragePool2D, Conv2D, Padding, Reshape
from ppg_deploy.quantization import calibrate, dequantize_codes, quantize_graph, quantize_windows
from ppg_deploy.quantization.calibration import MAX_WINDOWS, spread_rows
from ppg_deploy.quantization.ranges import quantization_of_range
from ppg_deploy.quantization.weights import quantize_weights


def test_range_by_hand() -> None:
    quantization = quantization_of_range(0.0, 255.0)
    assert quantization.scale == (1.0,)
    assert quantization.zero_point == (-128,)
    quantization = quantization_of_range(-128.0, 127.0)
    assert quantization.scale == (1.0,)
    assert quantization.zero_point == (0,)


@pytest.mark.parametrize(("low", "high"), [(2.0, 3.0), (-3.0, -2.0), (-0.1, 7.3), (-1e-3, 1e-4), (-5e4, 1e5)])
def test_range_contains_zero_and_its_limits(low: float, high: float) -> None:
    quantization = quantization_of_range(low, high)
    scale, zero_point = quantization.scale[0], quantization.zero_point[0]
    assert -128 <= zero_point <= 127
    lowest, highest = (-128 - zero_point) * scale, (127 - zero_point) * scale
    assert lowest <= min(low, 0.0) + scale
    assert highest >= max(high, 0.0) - scale
    # No more than one step is wasted.
    assert highest - lowest <= (max(high, 0.0) - min(low, 0.0)) * (1 + 1e-4)


def test_constant_zero_activation_has_a_valid_scale() -> None:
    assert quantization_of_range(0.0, 0.0).scale == (1.0,)


def test_weights_by_hand() -> None:
    weights = Tensor(
        "w", (2, 1, 1, 2), DType.FLOAT32, data=np.array([[[[1.27, -0.635]]], [[[0.0, 0.254]]]], np.float32)
    )
    bias = Tensor("b", (2,), DType.FLOAT32, data=np.array([0.5, -1.0], np.float32))
    codes, offsets = quantize_weights(weights, bias, 0, input_scale=0.5)
    assert codes.data is not None
    assert offsets.data is not None
    assert codes.data.reshape(2, 2).tolist() == [[127, -64], [0, 127]]
    assert codes.quantization is not None
    np.testing.assert_allclose(codes.quantization.scale, [0.01, 0.002], rtol=1e-6)
    # 0.5 / (0.5 * 0.01) = 100 and -1 / (0.5 * 0.002) = -1000
    assert offsets.data.tolist() == [100, -1000]


def test_channel_of_zero_weights_keeps_its_bias() -> None:
    weights = Tensor("w", (1, 1, 1, 3), DType.FLOAT32, data=np.zeros((1, 1, 1, 3), np.float32))
    bias = Tensor("b", (1,), DType.FLOAT32, data=np.array([-3.0], np.float32))
    codes, offsets = quantize_weights(weights, bias, 0, input_scale=0.1)
    assert codes.quantization is not None
    assert offsets.data is not None
    assert float(offsets.data[0]) * codes.quantization.scale[0] * 0.1 == pytest.approx(-3.0, rel=1e-6)


def small_float_graph() -> Graph:
    rng = np.random.default_rng(0)
    tensors = {
        "x": Tensor("x", (1, 1, 8, 2), DType.FLOAT32),
        "w": Tensor(
            "w", (3, 1, 3, 2), DType.FLOAT32, data=rng.standard_normal((3, 1, 3, 2)).astype(np.float32)
        ),
        "b": Tensor("b", (3,), DType.FLOAT32, data=rng.standard_normal(3).astype(np.float32)),
        "c": Tensor("c", (1, 1, 8, 3), DType.FLOAT32),
        "p": Tensor("p", (1, 1, 4, 3), DType.FLOAT32),
        "y": Tensor("y", (1, 12), DType.FLOAT32),
    }
    operators = (
        Conv2D(inputs=("x", "w", "b"), outputs=("c",), padding=Padding.SAME, activation=Activation.RELU),
        AveragePool2D(inputs=("c",), outputs=("p",), filter=(1, 2), stride=(1, 2)),
        Reshape(inputs=("p",), outputs=("y",)),
    )
    return Graph("small", tensors, operators, ("x",), ("y",))


def test_pools_and_reshapes_share_the_scale_of_their_input() -> None:
    graph = small_float_graph()
    x = np.random.default_rng(1).standard_normal((10, 1, 8, 2)).astype(np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x))
    parameters = {quantized.tensors[name].quantization for name in ("c", "p", "y")}
    assert len(parameters) == 1
    # Behind a ReLU zero is the lowest code, so all codes are used.
    assert quantized.tensors["c"].zero_point == -128


def test_forced_output_range() -> None:
    graph = small_float_graph()
    x = np.random.default_rng(1).standard_normal((10, 1, 8, 2)).astype(np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x), output_range=(0.0, 210.0))
    assert quantized.output.scale == pytest.approx(210.0 / 255.0, rel=1e-4)
    assert quantized.output.zero_point == -128


def test_codes_round_and_saturate() -> None:
    tensor = Tensor("x", (1, 5), DType.INT8, quantization_of_range(-128.0, 127.0))
    codes = quantize_windows(np.array([[-1000.0, -0.6, 0.4, 2.5, 1000.0]], np.float32), tensor)
    assert codes.tolist() == [[-128, -1, 0, 2, 127]]
    assert dequantize_codes(codes, tensor).tolist() == [[-128.0, -1.0, 0.0, 2.0, 127.0]]


def test_calibration_rows_span_the_heart_rate_range() -> None:
    hr = np.concatenate([np.full(5000, 70.0), np.linspace(40, 190, 20)]).astype(np.float32)
    rows = spread_rows(hr, len(hr))
    assert len(rows) == MAX_WINDOWS
    assert {int(hr.argmin()), int(hr.argmax())} <= set(rows.tolist())
    assert np.array_equal(rows, np.sort(rows))
    assert spread_rows(None, 7).tolist() == list(range(7))
