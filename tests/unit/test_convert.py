"""The ONNX reader against onnxruntime on networks written operator by operator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import InputError, UnsupportedModelError
from ppg_deploy.graph.float_reference import run_float_output
from ppg_deploy.graph.shapes import total_multiply_accumulates
from tests.support.onnx_networks import OnnxNetwork, pulse_student, residual_network


def onnxruntime_answers(path: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The file as it is, without any optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options)
    return np.concatenate([np.asarray(session.run(None, {"x": row[None]})[0]) for row in x])


def assert_equal_to_onnxruntime(path: Path) -> list[str]:
    """Convert, compare on random windows, return the operators."""
    conversion = convert_onnx(path)
    x = np.random.default_rng(5).standard_normal((6, *conversion.input_shape[1:])).astype(np.float32)
    expected = onnxruntime_answers(path, x).reshape(6, -1)[:, conversion.output_order]
    answered = run_float_output(conversion.graph, conversion.arranged(x)).reshape(6, -1)
    np.testing.assert_allclose(answered, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())
    return [operator.kind for operator in conversion.graph.operators]


def test_pulse_student(tmp_path: Path) -> None:
    path = pulse_student(tmp_path / "pulse.onnx")
    kinds = assert_equal_to_onnxruntime(path)
    assert kinds.count("CONV_2D") == 10
    assert total_multiply_accumulates(convert_onnx(path).graph) == 3_383_328


# MACs of convolutions and dense layer as published for the networks (students.md of the project's notes).
@pytest.mark.parametrize(
    ("blocks", "published_macs"),
    [(1, 2_085_760), (2, 3_109_760), (4, 4_645_760), (6, 7_211_520), (8, 8_768_000), (10, 11_523_840)],
)
def test_residual_networks(tmp_path: Path, blocks: int, published_macs: int) -> None:
    path = residual_network(tmp_path / "residual.onnx", blocks)
    assert_equal_to_onnxruntime(path)
    conversion = convert_onnx(path)
    batch_norms = [
        conversion.graph.tensors[operator.output].size
        for operator in conversion.graph.operators
        if operator.kind == "DEPTHWISE_CONV_2D"
    ]
    # A batch norm behind an addition cannot be folded and costs one product an element.
    assert total_multiply_accumulates(conversion.graph) - sum(batch_norms) == published_macs
    assert len(batch_norms) == blocks


Builder = Callable[[OnnxNetwork], str]


def strided_asymmetric(net: OnnxNetwork) -> str:
    return net.conv("x", 4, 6, (5,), strides=[2], pads=[1, 2])


def symmetric_pads_with_stride(net: OnnxNetwork) -> str:
    return net.conv("x", 4, 6, (3,), strides=[2], pads=[1, 1])


def grouped(net: OnnxNetwork) -> str:
    return net.conv("x", 4, 8, (3,), groups=2, pads=[1, 1])


def depthwise(net: OnnxNetwork) -> str:
    return net.conv("x", 4, 8, (3,), groups=4, pads=[2, 2], dilations=[2])


def causal(net: OnnxNetwork) -> str:
    return net.conv(net.pad("x", [0, 0, 4, 0, 0, 0]), 4, 6, (3,), dilations=[2])


def same_lower(net: OnnxNetwork) -> str:
    return net.conv("x", 4, 6, (4,), auto_pad="SAME_LOWER")


def batch_norm_first(net: OnnxNetwork) -> str:
    return net.conv(net.add("Relu", net.batch_norm("x", 4)), 4, 6, (3,))


def batch_norm_last(net: OnnxNetwork) -> str:
    return net.batch_norm(net.conv("x", 4, 6, (3,)), 6)


def relu_with_two_readers(net: OnnxNetwork) -> str:
    x = net.conv("x", 4, 4, (3,), pads=[1, 1])
    return net.add("Add", net.add("Relu", x), x)


def scale_and_offset(net: OnnxNetwork) -> str:
    x = net.add("Mul", "x", net.constant(np.array([[[1.0], [2.0], [-3.0], [0.5]]], np.float32)))
    x = net.add("Sub", x, net.constant(np.float32(0.25).reshape(1)))
    return net.add("Div", net.conv(x, 4, 3, (3,)), net.constant(np.array(4.0, np.float32)))


def relu6(net: OnnxNetwork) -> str:
    limits = net.constant(np.array(0.0, np.float32)), net.constant(np.array(6.0, np.float32))
    return net.add("Clip", net.conv("x", 4, 6, (3,)), *limits)


def max_pool_behind_zero_padding(net: OnnxNetwork) -> str:
    """onnxruntime's Pad fusion turns these zeros into minus infinity; the converter must not."""
    x = net.conv("x", 4, 4, (2,))
    return net.add("MaxPool", net.pad(x, [0, 0, 0, 0, 0, 1]), kernel_shape=[2], strides=[2])


def padded_max_pool_of_relu(net: OnnxNetwork) -> str:
    x = net.add("Relu", net.conv("x", 4, 4, (3,), pads=[1, 1]))
    return net.add("MaxPool", x, kernel_shape=[3], strides=[2], pads=[1, 1])


def average_pool_counting_pads(net: OnnxNetwork) -> str:
    return net.add("AveragePool", "x", kernel_shape=[3], strides=[1], pads=[1, 1], count_include_pad=1)


def average_pool_not_counting_pads(net: OnnxNetwork) -> str:
    return net.add("AveragePool", "x", kernel_shape=[3], strides=[1], pads=[1, 1])


def ceiled_max_pool(net: OnnxNetwork) -> str:
    return net.add("MaxPool", net.add("Relu", "x"), kernel_shape=[3], strides=[3], ceil_mode=1)


def global_average(net: OnnxNetwork) -> str:
    return net.dense(net.add("Flatten", net.add("GlobalAveragePool", "x")), 4, 3)


def mean_over_time(net: OnnxNetwork) -> str:
    return net.dense(net.add("ReduceMean", "x", axes=[-1], keepdims=0), 4, 3)


def channel_padding(net: OnnxNetwork) -> str:
    return net.pad("x", [0, 1, 0, 0, 2, 0])


def flatten_dense(net: OnnxNetwork) -> str:
    return net.dense(net.add("Flatten", net.conv("x", 4, 6, (3,))), 6 * 23, 5)


def matmul_and_bias(net: OnnxNetwork) -> str:
    flat = net.add("Flatten", "x")
    product = net.add("MatMul", flat, net.weights(100, 7))
    return net.add("Relu", net.add("Add", product, net.vector(7)))


def dense_batch_norm(net: OnnxNetwork) -> str:
    return net.add("Relu", net.batch_norm(net.dense(net.add("Flatten", "x"), 100, 8), 8))


def flattened_batch_norm(net: OnnxNetwork) -> str:
    flat = net.add("Flatten", net.conv("x", 4, 2, (3,)))
    return net.dense(net.batch_norm(flat, 46), 46, 3)


def through_two_dimensions(net: OnnxNetwork) -> str:
    axis = net.constant(np.array([2], np.int64))
    x = net.conv(net.add("Unsqueeze", "x", axis), 4, 6, (1, 3), pads=[0, 1, 0, 1])
    return net.add("Squeeze", x, axis)


def cancelling_transposes(net: OnnxNetwork) -> str:
    x = net.add("Transpose", net.conv("x", 4, 6, (3,)), perm=[0, 2, 1])
    x = net.add("Relu", x)
    return net.conv(net.add("Transpose", x, perm=[0, 2, 1]), 6, 2, (3,))


def flattened_transpose(net: OnnxNetwork) -> str:
    x = net.add("Transpose", net.conv("x", 4, 6, (3,)), perm=[0, 2, 1])
    return net.dense(net.add("Reshape", x, net.constant(np.array([0, -1], np.int64))), 138, 4)


def gated(net: OnnxNetwork) -> str:
    return net.add("Mul", net.conv("x", 4, 5, (3,)), net.conv("x", 4, 5, (3,)))


def repeated_dropout(net: OnnxNetwork) -> str:
    return net.add("Identity", net.add("Dropout", net.conv("x", 4, 5, (3,))))


SMALL_NETWORKS: list[Builder] = [
    strided_asymmetric,
    symmetric_pads_with_stride,
    grouped,
    depthwise,
    causal,
    same_lower,
    batch_norm_first,
    batch_norm_last,
    relu_with_two_readers,
    scale_and_offset,
    relu6,
    max_pool_behind_zero_padding,
    padded_max_pool_of_relu,
    average_pool_counting_pads,
    average_pool_not_counting_pads,
    ceiled_max_pool,
    global_average,
    mean_over_time,
    channel_padding,
    flatten_dense,
    matmul_and_bias,
    dense_batch_norm,
    flattened_batch_norm,
    through_two_dimensions,
    cancelling_transposes,
    flattened_transpose,
    gated,
    repeated_dropout,
]


@pytest.mark.parametrize("build", SMALL_NETWORKS, ids=lambda build: build.__name__)
def test_small_networks(tmp_path: Path, build: Builder) -> None:
    net = OnnxNetwork((1, 4, 25))
    assert_equal_to_onnxruntime(net.save(tmp_path / "small.onnx", build(net)))


def test_real_depthwise_is_not_a_grouped_convolution(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    assert assert_equal_to_onnxruntime(net.save(tmp_path / "n.onnx", depthwise(net))) == ["DEPTHWISE_CONV_2D"]


def test_batch_norm_behind_convolution_is_folded(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    assert assert_equal_to_onnxruntime(net.save(tmp_path / "n.onnx", batch_norm_last(net))) == ["CONV_2D"]


def test_dynamic_batch_and_time_major_input(tmp_path: Path) -> None:
    net = OnnxNetwork(("batch", 25, 4))
    x = net.add("Transpose", "x", perm=[0, 2, 1])
    path = net.save(tmp_path / "n.onnx", net.conv(x, 4, 6, (3,)))
    assert assert_equal_to_onnxruntime(path) == ["CONV_2D"]
    assert convert_onnx(path).input_axes == (0, 1, 2)


def expectation_by_sum(net: OnnxNetwork, logits: str, bins: NDArray[np.float32]) -> str:
    product = net.add("Mul", net.add("Softmax", logits, axis=1), net.constant(bins))
    return net.add("ReduceSum", product, net.constant(np.array([1], np.int64)), keepdims=1)


def expectation_by_product(net: OnnxNetwork, logits: str, bins: NDArray[np.float32]) -> str:
    product = net.add("MatMul", net.add("Softmax", logits, axis=1), net.constant((bins - 30)[:, None]))
    return net.add("Add", product, net.constant(np.array(30.0, np.float32)))


@pytest.mark.parametrize("spelling", [expectation_by_sum, expectation_by_product])
def test_expectation_head_is_cut(
    tmp_path: Path, spelling: Callable[[OnnxNetwork, str, NDArray[np.float32]], str]
) -> None:
    net = OnnxNetwork((1, 4, 25))
    bins = (30.0 + 2.0 * np.arange(20)).astype(np.float32)
    logits = net.dense(net.add("Flatten", "x"), 100, 20)
    path = net.save(tmp_path / "n.onnx", spelling(net, logits, bins))
    conversion = convert_onnx(path)
    assert conversion.head is not None
    assert conversion.head.first_bin_bpm == pytest.approx(30.0)
    assert conversion.head.bin_width_bpm == pytest.approx(2.0)
    x = np.random.default_rng(0).standard_normal((4, 4, 25)).astype(np.float32)
    answered = run_float_output(conversion.graph, conversion.arranged(x)).reshape(4, -1)
    weights = np.exp(answered - answered.max(axis=1, keepdims=True))
    expected = onnxruntime_answers(path, x).reshape(-1)
    np.testing.assert_allclose((weights * bins).sum(1) / weights.sum(1), expected, rtol=1e-5)


def test_unsupported_operator_is_named(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    path = net.save(tmp_path / "n.onnx", net.add("Erf", net.conv("x", 4, 6, (3,))))
    with pytest.raises(UnsupportedModelError, match="Erf"):
        convert_onnx(path)


def test_padded_max_of_possibly_negative_values_is_refused(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    pooled = net.add("MaxPool", net.conv("x", 4, 4, (2,)), kernel_shape=[3], strides=[3], pads=[1, 2])
    with pytest.raises(UnsupportedModelError, match="MaxPool"):
        convert_onnx(net.save(tmp_path / "n.onnx", pooled))


@pytest.mark.parametrize("kept", [0, 10, 200, 0.5, 0.99])
def test_truncated_file(tmp_path: Path, kept: float) -> None:
    whole = pulse_student(tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(InputError, match=r"cut\.onnx"):
        convert_onnx(path)


def test_dynamic_window_length_is_refused(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, "time"))
    net.save(tmp_path / "n.onnx", net.conv("x", 4, 2, (3,)))
    with pytest.raises(UnsupportedModelError, match="axis 2"):
        convert_onnx(tmp_path / "n.onnx")


def test_input_file_is_not_touched(tmp_path: Path) -> None:
    path = pulse_student(tmp_path / "n.onnx")
    before = path.read_bytes()
    convert_onnx(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["n.onnx"]
