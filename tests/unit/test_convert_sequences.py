"""Sequences, layer normalisation and attention against onnxruntime, written operator by operator."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import UnsupportedModelError
from tests.support.attention_networks import (
    attended,
    layer_norm,
    layer_norm_of_single_operators,
    sequence,
)
from tests.support.onnx_networks import OnnxNetwork
from tests.unit.test_convert import assert_equal_to_onnxruntime

Builder = Callable[[OnnxNetwork], str]


def dense_per_step(net: OnnxNetwork) -> str:
    return net.add("Add", net.add("MatMul", sequence(net), net.weights(6, 5)), net.vector(5))


def dense_per_step_and_relu(net: OnnxNetwork) -> str:
    return net.add("Relu", dense_per_step(net))


def flattened_gemm(net: OnnxNetwork) -> str:
    """As onnxruntime writes a MatMul with bias: (1, L, C) -> (L, C) -> Gemm -> (1, L, C)."""
    flat = net.add("Reshape", sequence(net), net.constant(np.array([25, 6], np.int64)))
    return net.add("Reshape", net.dense(flat, 6, 5), net.constant(np.array([1, 25, 5], np.int64)))


def dense_over_time(net: OnnxNetwork) -> str:
    """nn.Linear over the time axis of (1, C, L): the signal has to be turned."""
    return net.add("MatMul", net.conv("x", 4, 6, (3,), pads=[1, 1]), net.weights(25, 7))


def convolution_along_channels(net: OnnxNetwork) -> str:
    turned = net.add("Transpose", net.conv("x", 4, 6, (3,), pads=[1, 1]), perm=[0, 2, 1])
    return net.conv(turned, 25, 2, (3,))


def positional_embedding(net: OnnxNetwork) -> str:
    table = net.constant(net.rng.standard_normal((1, 25, 6)).astype(np.float32))
    return net.add("Add", sequence(net), table)


def offset_per_time_step(net: OnnxNetwork) -> str:
    return net.add("Mul", sequence(net), net.constant(net.rng.uniform(0.5, 2, (25, 1)).astype(np.float32)))


def difference_of_activations(net: OnnxNetwork) -> str:
    return net.add("Sub", net.conv("x", 4, 6, (3,)), net.conv("x", 4, 6, (3,)))


def constant_minus_activation(net: OnnxNetwork) -> str:
    x = net.conv("x", 4, 6, (3,))
    return net.add("Mul", net.add("Sub", net.constant(np.float32(1.0).reshape(())), x), x)


def centred(net: OnnxNetwork) -> str:
    x = sequence(net)
    return net.add("Sub", x, net.add("ReduceMean", x, axes=[-1], keepdims=1))


def mean_over_steps(net: OnnxNetwork) -> str:
    return net.dense(net.add("ReduceMean", sequence(net), axes=[1], keepdims=0), 6, 3)


def mean_over_channels(net: OnnxNetwork) -> str:
    return net.add("ReduceMean", net.conv("x", 4, 6, (3,)), axes=[1], keepdims=0)


def residual_of_turned_branch(net: OnnxNetwork) -> str:
    """Both operands of the sum lie in different orders."""
    x = net.conv("x", 4, 6, (3,), pads=[1, 1])
    mixed = net.add("MatMul", x, net.weights(25, 25))
    return net.add("Add", mixed, x)


def normalised(net: OnnxNetwork) -> str:
    return net.add("MatMul", layer_norm(net, sequence(net), 6), net.weights(6, 3))


def normalised_by_single_operators(net: OnnxNetwork) -> str:
    return layer_norm_of_single_operators(net, sequence(net), 6)


def normalised_over_channels_of_a_signal(net: OnnxNetwork) -> str:
    """Channels first, as hand-written LayerNorm modules do."""
    return layer_norm_of_single_operators(net, net.conv("x", 4, 6, (3,)), 6, axis=1)


def single_head(net: OnnxNetwork) -> str:
    return attended(net, sequence(net), heads=1)


def two_heads(net: OnnxNetwork) -> str:
    return attended(net, sequence(net), heads=2)


def three_heads_of_one_matrix(net: OnnxNetwork) -> str:
    return attended(net, sequence(net), heads=3, packed=True)


def softmax_over_time(net: OnnxNetwork) -> str:
    return net.conv(net.add("Softmax", net.conv("x", 4, 6, (3,)), axis=2), 6, 2, (3,))


SEQUENCES: list[Builder] = [
    dense_per_step,
    dense_per_step_and_relu,
    flattened_gemm,
    dense_over_time,
    convolution_along_channels,
    positional_embedding,
    offset_per_time_step,
    difference_of_activations,
    constant_minus_activation,
    centred,
    mean_over_steps,
    mean_over_channels,
    residual_of_turned_branch,
    normalised,
    normalised_by_single_operators,
    normalised_over_channels_of_a_signal,
    single_head,
    two_heads,
    three_heads_of_one_matrix,
    softmax_over_time,
]


@pytest.mark.parametrize("build", SEQUENCES, ids=lambda build: build.__name__)
def test_sequences(tmp_path: Path, build: Builder) -> None:
    net = OnnxNetwork((1, 4, 25))
    assert_equal_to_onnxruntime(net.save(tmp_path / "n.onnx", build(net)))


def _kinds(tmp_path: Path, build: Builder) -> list[str]:
    net = OnnxNetwork((1, 4, 25))
    graph = convert_onnx(net.save(tmp_path / "n.onnx", build(net))).graph
    return [operator.kind for operator in graph.operators if operator.kind != "RESHAPE"]


def test_dense_layers_of_a_sequence_move_nothing(tmp_path: Path) -> None:
    assert _kinds(tmp_path, dense_per_step_and_relu) == ["CONV_2D", "CONV_2D"]


def test_only_what_must_move_is_moved(tmp_path: Path) -> None:
    assert _kinds(tmp_path, single_head).count("TRANSPOSE") <= 1
    assert _kinds(tmp_path, dense_over_time).count("TRANSPOSE") == 1


@pytest.mark.parametrize(
    "build", [normalised_by_single_operators, normalised], ids=lambda build: build.__name__
)
def test_layer_normalisation_keeps_its_variance_in_32_bits(tmp_path: Path, build: Builder) -> None:
    kinds = _kinds(tmp_path, build)
    first = kinds.index("MEAN")
    assert kinds[first : first + 4] == ["MEAN", "SUB", "L2_NORMALIZATION", "DEPTHWISE_CONV_2D"]
    assert "RSQRT" not in kinds


def test_packed_projection_is_cut_apart_and_scales_are_free(tmp_path: Path) -> None:
    kinds = _kinds(tmp_path, three_heads_of_one_matrix)
    # Embedding, query, key, value, output: no slice and no scaling left.
    assert kinds.count("CONV_2D") == 5
    assert "STRIDED_SLICE" not in kinds
    assert "DEPTHWISE_CONV_2D" not in kinds
    assert kinds.count("BATCH_MATMUL") == 2


def test_layer_normalisation_over_two_axes_is_refused_with_a_way_out(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    x = net.conv("x", 4, 6, (3,))
    ones = net.constant(np.ones((6, 23), np.float32))
    path = net.save(tmp_path / "n.onnx", net.add("LayerNormalization", x, ones, axis=1))
    with pytest.raises(UnsupportedModelError, match="LayerNormalization") as caught:
        convert_onnx(path)
    assert "BatchNorm" in caught.value.hint


def test_product_that_repeats_one_operand_is_refused(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    heads = net.add("Reshape", sequence(net), net.constant(np.array([1, 25, 2, 3], np.int64)))
    several = net.add("Transpose", heads, perm=[0, 2, 1, 3])
    alone = net.add("MatMul", net.conv("x", 4, 6, (3,), pads=[1, 1]), net.weights(25, 4))
    one = net.add("Reshape", alone, net.constant(np.array([1, 1, 3, 8], np.int64)))
    path = net.save(tmp_path / "n.onnx", net.add("MatMul", several, one))
    with pytest.raises(UnsupportedModelError, match="MatMul"):
        convert_onnx(path)
