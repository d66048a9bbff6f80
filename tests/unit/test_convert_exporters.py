"""What exporters leave in a file beside the network itself, against onnxruntime."""

from pathlib import Path

import numpy as np

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
