"""Channels that always hold the same code leave the program, and no byte changes: against TFLM's interpreter."""

import dataclasses
import shutil

import pytest

from ppg_deploy.compile import CompiledModel
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D, Padding
from tests.support.against_tflm import compare_on_host
from tests.support.compile_networks import NetworkBuilder, windows_for

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

_DEAD_BIAS = 1 << 28


def _with_dead(graph: Graph, operator: int, channels: list[int], sign: int = -1) -> Graph:
    """Channels of a convolution whose bias lies far below (or above) every sum of products."""
    name = graph.operators[operator].inputs[2]
    bias = graph.tensors[name]
    assert bias.data is not None
    data = bias.data.copy()
    data[channels] = sign * _DEAD_BIAS
    return dataclasses.replace(graph, tensors={**graph.tensors, name: dataclasses.replace(bias, data=data)})


def _removed(graph: Graph) -> list[int]:
    """Removed channels per operator; 0 where nothing is known about channels."""
    ((compiled, _),) = compare_on_host([(graph, windows_for(graph, 3, 12))])
    assert compiled.macs == sum(operator.macs for operator in compiled.operators)
    return [_of(compiled, number) for number in range(len(compiled.operators))]


def _of(compiled: CompiledModel, number: int) -> int:
    proof = compiled.decisions.steps[number].proof
    return 0 if proof is None else proof.removed_channels


def test_through_pools_into_a_dense_layer() -> None:
    net = NetworkBuilder(3, (1, 2, 12, 3))
    first = net.convolution(net.input, 8, (1, 3), activation=Activation.RELU)
    second = net.convolution(first, 12, (1, 3), dilation=(1, 2), activation=Activation.RELU)
    pooled = net.pool(net.pool(second, AveragePool2D, (1, 2), (1, 2)), MaxPool2D, (1, 2), (1, 2))
    graph = net.graph(net.dense(pooled, 5))
    assert _removed(graph) == [0] * 5
    graph = _with_dead(_with_dead(graph, 0, [1, 4, 5, 7]), 1, [0, 2, 3, 8, 11])
    # 4 of 8 go; of 5 dead ones among 12 one stays to fill the last four.
    assert _removed(graph) == [4, 4, 0, 0, 0]


def test_a_constant_that_is_not_the_zero_point_only_leaves_readers_without_padding() -> None:
    for padding, expected in ((Padding.VALID, 4), (Padding.SAME, 0)):
        net = NetworkBuilder(4, (1, 1, 16, 4))
        first = net.convolution(net.input, 8, (1, 3), zero=5)
        second = net.convolution(first, 4, (1, 3), padding=padding)
        graph = _with_dead(net.graph(net.dense(second, 3)), 0, [0, 1, 2, 6, 7], sign=1)
        assert _removed(graph) == [expected, 0, 0]


def test_channels_that_another_reader_needs_stay() -> None:
    net = NetworkBuilder(5, (1, 1, 16, 8))
    first = net.convolution(net.input, 8, (1, 3), activation=Activation.RELU)
    second = net.convolution(first, 8, (1, 3), activation=Activation.RELU)
    graph = net.graph(net.dense(net.add(first, second), 3))
    assert _removed(_with_dead(_with_dead(graph, 0, [0, 1, 2, 3]), 1, [4, 5, 6, 7])) == [0] * 4


def test_a_layer_without_a_living_channel_keeps_four() -> None:
    net = NetworkBuilder(6, (1, 1, 10, 3))
    first = net.convolution(net.input, 8, (1, 3), activation=Activation.RELU)
    graph = net.graph(net.dense(net.convolution(first, 4, (1, 2)), 3))
    assert _removed(_with_dead(graph, 0, list(range(8)))) == [4, 0, 0]


def test_the_model_s_output_keeps_its_channels() -> None:
    net = NetworkBuilder(7, (1, 1, 10, 3))
    graph = net.graph(net.convolution(net.input, 8, (1, 3), activation=Activation.RELU))
    assert _removed(_with_dead(graph, 0, [0, 1, 2, 3])) == [0]
