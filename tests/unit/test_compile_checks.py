"""What the compiler refuses, and that the message names operator and tensor."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import TFLITE_NAMES, AveragePool2D, Operator, Padding
from tests.support.compile_networks import NetworkBuilder

SHA256 = "0" * 64


def _network() -> Graph:
    net = NetworkBuilder(1, (1, 2, 8, 4), zero=0)
    convolved = net.convolution(net.input, 8, (1, 3), groups=2)
    pooled = net.pool(net.depthwise(convolved, 1, (1, 3)), AveragePool2D, (1, 2), (1, 2))
    padded = net.pad(net.mul(pooled, net.constant((8,))), ((0, 0), (0, 0), (1, 0), (0, 0)))
    flat = net.reshape(net.add(padded, padded), (1, net.tensors[padded].size))
    return net.graph(net.dense(flat, 3))


def _replaced(graph: Graph, name: str, **changes: Any) -> Graph:
    tensors = {**graph.tensors, name: dataclasses.replace(graph.tensors[name], **changes)}
    return dataclasses.replace(graph, tensors=tensors)


def _with_operator(graph: Graph, number: int, **changes: Any) -> Graph:
    operators = list(graph.operators)
    operators[number] = dataclasses.replace(operators[number], **changes)
    return dataclasses.replace(graph, operators=tuple(operators))


def _refusal(graph: Graph) -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        compile_graph(graph, model_sha256=SHA256, dsp=False)
    assert caught.value.hint
    return caught.value.message


def test_the_unchanged_network_is_accepted() -> None:
    assert compile_graph(_network(), model_sha256=SHA256, dsp=False).operators


@pytest.mark.parametrize("number", range(8))
def test_float_and_wide_activations_are_named(number: int) -> None:
    graph = _network()
    operator = graph.operators[number]
    for dtype in (DType.FLOAT32, DType.INT16):
        message = _refusal(_replaced(graph, operator.output, dtype=dtype))
        assert operator.output in message
        assert f"operator {number} ({operator.kind})" in message
        assert dtype.value in message


def test_float_input() -> None:
    graph = _network()
    assert graph.inputs[0] in _refusal(_replaced(graph, graph.inputs[0], dtype=DType.FLOAT32))


@pytest.mark.parametrize("number", [0, 1, 7])
def test_weights(number: int) -> None:
    graph = _network()
    operator = graph.operators[number]
    weights = graph.tensors[operator.inputs[1]]
    quantization = weights.quantization
    assert quantization is not None
    count = len(quantization.scale)
    wrong: dict[str, dict[str, Any]] = {
        "zero point": {
            "quantization": dataclasses.replace(quantization, zero_point=(*(0,) * (count - 1), 3))
        },
        "wrong axis": {"quantization": dataclasses.replace(quantization, axis=1 if count > 1 else None)},
        "must be constants": {"data": None},
        "no quantisation": {"quantization": None},
        "axes": {"shape": (*weights.shape, 1)},
    }
    for expected, changes in wrong.items():
        message = _refusal(_replaced(graph, weights.name, **changes))
        assert weights.name in message
        assert expected in message or "before any operator writes it" in message


@pytest.mark.parametrize("number", [0, 1, 7])
def test_biases(number: int) -> None:
    graph = _network()
    bias = graph.tensors[graph.operators[number].inputs[2]]
    assert "int64" in _refusal(_replaced(graph, bias.name, dtype=DType.INT64))
    short = np.zeros(2, np.int32)
    assert "biases" in _refusal(_replaced(graph, bias.name, data=short, shape=(2,)))


def test_shapes_that_would_write_out_of_bounds() -> None:
    graph = _network()
    for number, operator in enumerate(graph.operators):
        shape = graph.tensors[operator.output].shape
        message = _refusal(_replaced(graph, operator.output, shape=(*shape[:-1], shape[-1] + 1)))
        assert f"operator {number} ({operator.kind})" in message


def test_order_and_single_assignment() -> None:
    graph = _network()
    swapped = dataclasses.replace(graph, operators=graph.operators[::-1])
    assert "before any operator writes it" in _refusal(swapped)
    twice = dataclasses.replace(graph, operators=(graph.operators[0], *graph.operators))
    assert "written twice" in _refusal(twice)
    assert "no operator writes" in _refusal(dataclasses.replace(graph, operators=graph.operators[:-1]))


def test_windows_and_padding() -> None:
    graph = _network()
    _refusal(_with_operator(graph, 0, stride=(0, 1)))
    _refusal(_with_operator(graph, 0, dilation=(1, 0)))
    _refusal(_with_operator(graph, 0, padding=Padding.VALID))
    assert "negative" in _refusal(_with_operator(graph, 4, pads=((0, 0), (0, 0), (2, -1), (0, 0))))
    assert "batch" in _refusal(_with_operator(graph, 4, pads=((1, 0), (0, 0), (0, 0), (0, 0))))


def _tiny_scale(graph: Graph, name: str) -> Graph:
    zero = graph.tensors[name].zero_point
    return _replaced(graph, name, quantization=Quantization((1e-30,), (zero,)))


@pytest.mark.parametrize("number", [0, 1, 3, 5, 7])
def test_factors_beyond_the_kernels_shifts(number: int) -> None:
    graph = _network()
    assert "scale" in _refusal(_tiny_scale(graph, graph.operators[number].output))


def test_per_channel_activation_and_wild_zero_point() -> None:
    graph = _network()
    name = graph.operators[0].output
    per_channel = Quantization((0.1,) * 8, (0,) * 8, 3)
    assert "one scale per channel" in _refusal(_replaced(graph, name, quantization=per_channel))
    assert "zero point 200" in _refusal(_replaced(graph, name, quantization=Quantization((0.1,), (200,))))


def test_batch_larger_than_one() -> None:
    net = NetworkBuilder(1, (2, 1, 8, 4))
    output = net.convolution(net.input, 4, (1, 3))
    graph = _replaced(net.graph(output), output, shape=(2, 1, 8, 4))
    assert "batch size 2" in _refusal(graph)


def test_more_than_one_input() -> None:
    graph = _network()
    assert "2 inputs" in _refusal(dataclasses.replace(graph, inputs=(*graph.inputs, graph.outputs[0])))


def test_constant_where_an_activation_belongs() -> None:
    builders: list[Callable[[NetworkBuilder, str], str]] = [
        lambda net, name: net.convolution(name, 2, (1, 1)),
        lambda net, name: net.pool(name, AveragePool2D, (1, 1), (1, 1)),
        lambda net, name: net.dense(name, 2),
        lambda net, name: net.reshape(name, (1, 4)),
        lambda net, name: net.pad(name, ((0, 0), (0, 0), (1, 0), (0, 0))),
    ]
    for build in builders:
        net = NetworkBuilder(1, (1, 1, 1, 4))
        assert "constant" in _refusal(net.graph(build(net, net.constant((1, 1, 1, 4)))))


def test_operator_that_the_graph_knows_but_the_compiler_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Strange(Operator):
        pass

    monkeypatch.setitem(TFLITE_NAMES, Strange, "STRANGE")
    graph = _network()
    first = graph.operators[0]
    strange = Strange(inputs=first.inputs, outputs=first.outputs)
    assert "operator 0 (STRANGE)" in _refusal(dataclasses.replace(graph, operators=(strange,)))


def test_tensor_without_quantisation() -> None:
    graph = _network()
    name = graph.operators[2].output
    tensor = graph.tensors[name]
    bare = Tensor(tensor.name, tensor.shape, tensor.dtype)
    refused = dataclasses.replace(graph, tensors={**graph.tensors, name: bare})
    assert "no quantisation parameters" in _refusal(refused)
