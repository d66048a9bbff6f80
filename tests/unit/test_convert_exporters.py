"""What exporters leave in a file beside the network itself, against onnxruntime."""

from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import UnsupportedModelError
from tests.support.onnx_networks import OnnxNetwork
from tests.unit.test_convert import assert_equal_to_onnxruntime


def test_batch_norm_behind_an_average_pool_folds_into_the_convolution(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    x = net.add("AveragePool", net.conv("x", 4, 6, (3,)), kernel_shape=[2], strides=[2])
    path = net.save(tmp_path / "n.onnx", net.add("Relu", net.batch_norm(x, 6)))
    assert assert_equal_to_onnxruntime(path) == ["CONV_2D", "AVERAGE_POOL_2D"]


def test_batch_norm_behind_a_pool_with_another_reader_stays(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    x = net.add("AveragePool", net.conv("x", 4, 6, (3,)), kernel_shape=[2], strides=[2])
    path = net.save(tmp_path / "n.onnx", net.add("Add", net.batch_norm(x, 6), x))
    kinds = assert_equal_to_onnxruntime(path)
    assert kinds == ["CONV_2D", "AVERAGE_POOL_2D", "DEPTHWISE_CONV_2D", "ADD"]


def test_constants_behind_cast_like_are_folded(tmp_path: Path) -> None:
    """The dynamo exporter without its optimiser writes the limits of ReLU6 and empty biases like this."""
    net = OnnxNetwork((1, 4, 25), opset=18)
    x = net.conv("x", 4, 6, (3,))
    zero = net.add("CastLike", net.constant(np.array(0, np.int64)), x)
    six = net.add("CastLike", net.constant(np.array(6, np.int64)), x)
    clipped = net.add("Clip", x, zero, six)
    bias = net.add("Expand", zero, net.constant(np.array([2], np.int64)))
    path = net.save(tmp_path / "n.onnx", net.add("Conv", clipped, net.weights(2, 6, 3), bias))
    assert assert_equal_to_onnxruntime(path) == ["CONV_2D", "CONV_2D"]


@pytest.mark.parametrize(("equation", "columns"), [("nc,c->n", None), ("ab, bd -> ad", 5)])
def test_einsum_that_is_a_matrix_product(tmp_path: Path, equation: str, columns: int | None) -> None:
    net = OnnxNetwork((1, 4, 25))
    flat = net.add("Flatten", net.conv("x", 4, 6, (3,)))
    weights = net.weights(138) if columns is None else net.weights(138, columns)
    path = net.save(tmp_path / "n.onnx", net.add("Einsum", flat, weights, equation=equation))
    assert assert_equal_to_onnxruntime(path)[-1] == "FULLY_CONNECTED"


@pytest.mark.parametrize("equation", ["nc,nc->n", "nc,c->c", "nc,dc->nd"])
def test_other_einsums_are_refused_by_name(tmp_path: Path, equation: str) -> None:
    net = OnnxNetwork((1, 4))
    shape = {"nc,nc->n": (1, 4), "nc,c->c": (4,), "nc,dc->nd": (3, 4)}[equation]
    path = net.save(tmp_path / "n.onnx", net.add("Einsum", "x", net.weights(*shape), equation=equation))
    with pytest.raises(UnsupportedModelError, match="Einsum"):
        convert_onnx(path)
