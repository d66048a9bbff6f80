"""What the compiler refuses of int16 graphs, and where it proves 32-bit accumulators."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Quantization
from ppg_deploy.graph.operators import AveragePool2D, Mul, Padding
from tests.support.int16_graphs import INT16_FAMILIES, Int16Maker

SHA256 = "0" * 64


def _replaced(graph: Graph, name: str, **changes: Any) -> Graph:
    tensors = {**graph.tensors, name: dataclasses.replace(graph.tensors[name], **changes)}
    return dataclasses.replace(graph, tensors=tensors)


def _refusal(graph: Graph) -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        compile_graph(graph, model_sha256=SHA256, dsp=False)
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("family", sorted(INT16_FAMILIES))
def test_zero_points_must_be_zero(family: str) -> None:
    graph = INT16_FAMILIES[family](2)
    for name in (graph.inputs[0], graph.outputs[0]):
        message = _refusal(_replaced(graph, name, quantization=Quantization((0.01,), (5,))))
        assert name in message
        assert "zero point 5" in message


@pytest.mark.parametrize("family", ["convolution", "depthwise", "dense"])
def test_biases_must_have_64_bits(family: str) -> None:
    graph = INT16_FAMILIES[family](2)
    bias = graph.tensors[graph.operators[0].inputs[2]]
    assert bias.data is not None
    message = _refusal(_replaced(graph, bias.name, dtype=DType.INT32, data=bias.data.astype(np.int32)))
    assert "int64" in message
    assert graph.operators[0].kind in message


def test_int8_and_int16_activations_do_not_mix() -> None:
    graph = INT16_FAMILIES["convolution"](2)
    assert "int8, not int16" in _refusal(_replaced(graph, graph.outputs[0], dtype=DType.INT8))
    assert "int16, not int8" in _refusal(_replaced(graph, graph.inputs[0], dtype=DType.INT8))


@pytest.mark.parametrize("family", ["convolution", "depthwise", "dense"])
def test_far_too_small_output_scale(family: str) -> None:
    graph = INT16_FAMILIES[family](2)
    assert "too small" in _refusal(
        _replaced(graph, graph.outputs[0], quantization=Quantization((1e-12,), (0,)))
    )


def test_far_too_small_scale_of_mul() -> None:
    maker = Int16Maker(1, (1, 1, 4, 4))
    graph = maker.graph(maker.elementwise(Mul, maker.input, maker.input, 1e5))
    assert "too small" in _refusal(graph)


def test_sums_beyond_47_bits() -> None:
    graph = INT16_FAMILIES["dense"](2)
    bias = graph.tensors[graph.operators[0].inputs[2]]
    assert "47 bits" in _refusal(_replaced(graph, bias.name, data=np.full(bias.shape, 1 << 47, np.int64)))


def test_pool_whose_sum_leaves_32_bits() -> None:
    maker = Int16Maker(1, (1, 256, 257, 1))
    window = {"kernel": (256, 257), "stride": (1, 1), "padding": Padding.VALID, "out": (1, 1)}
    assert "AVERAGE_POOL_2D" in _refusal(maker.graph(maker.pool(maker.input, AveragePool2D, window)))


def _dense_with(weight: int, values: int, bias: int) -> str:
    """model_data.c of a dense layer whose weights are all equal."""
    maker = Int16Maker(1, (1, values))
    graph = maker.graph(maker.dense(maker.input, 2))
    operator = graph.operators[0]
    weights, offsets = (graph.tensors[name] for name in operator.inputs[1:])
    graph = _replaced(graph, weights.name, data=np.full(weights.shape, weight, np.int8))
    graph = _replaced(graph, offsets.name, data=np.full(offsets.shape, bias, np.int64))
    return compile_graph(graph, model_sha256=SHA256, dsp=False).files["model_data.c"]


def test_narrow_form_exactly_up_to_32_bits() -> None:
    """Codes go from -32768 to 32767, so 515 weights of 127 sum up to 2,143,125,635 and down to -2,143,191,040."""
    upwards = (1 << 31) - 1 - 2_143_125_635
    assert "_biases" not in _dense_with(127, 515, upwards)
    assert "_biases" in _dense_with(127, 515, upwards + 1)
    downwards = -(1 << 31) + 2_143_191_040
    assert "_biases" not in _dense_with(127, 515, downwards)
    assert "_biases" in _dense_with(127, 515, downwards - 1)
