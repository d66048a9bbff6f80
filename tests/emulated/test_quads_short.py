"""The convolution of small images: TFLM's bytes, portable and on an emulated Cortex-M4."""

import dataclasses
import shutil

import pytest

from ppg_deploy.compile import CompiledModel
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from tests.support.against_tflm import compare_graphs_on_host, compare_on_cortex_m4
from tests.support.compile_cases import convolution, padded_convolution
from tests.support.compile_networks import NetworkBuilder, with_dead_channel
from tests.support.forced_kernels import force

pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")
requires_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
requires_arm = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")


@pytest.fixture(autouse=True)
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, "conv_quads_short")


def _cases() -> list[Graph]:
    random = [make(seed) for make in (convolution, padded_convolution) for seed in range(9000, 9014)]
    return random + [_edge_case(channels, zero) for channels in (1, 3, 4, 6) for zero in (-128, -5, 127)]


def _edge_case(channels: int, zero: int) -> Graph:
    net = NetworkBuilder(channels, (1, 2, 7, 5), zero=127)
    return net.graph(net.convolution(net.input, channels, (1, 3), zero=zero, gain=3.0))


def _uses(models: list[CompiledModel]) -> int:
    return sum(
        operator.kernel == "conv_quads_short" for compiled in models for operator in compiled.operators
    )


@requires_gcc
def test_portable_form() -> None:
    assert _uses(compare_graphs_on_host(_cases(), 10)) >= 24


@pytest.mark.arm
@requires_arm
def test_assembler() -> None:
    pytest.importorskip("unicorn", reason="needs the emulator extra")
    assert _uses([compare_on_cortex_m4(graph, 10).compiled for graph in _cases()]) >= 24


@requires_gcc
@pytest.mark.parametrize("zero", [-128, -100])
def test_dead_channels(zero: int) -> None:
    """A channel that is always the highest code has no place in the word of four; one at the zero point has."""
    net = NetworkBuilder(8, (1, 1, 12, 8))
    graph = net.graph(net.convolution(net.input, 6, (1, 3), activation=Activation.RELU, zero=zero))
    bias = -(1 << 31) if zero == -128 else (1 << 30) - 1
    graph = with_dead_channel(graph, 0, 4, 0, bias)
    if zero != -128:
        graph = _always_highest(graph, 4)
    assert _uses(compare_graphs_on_host([graph], 10)) == (zero == -128)


def _always_highest(graph: Graph, channel: int) -> Graph:
    """The channel's scale made large enough for its bias to reach 127."""
    weights_name = graph.operators[0].inputs[1]
    weights = graph.tensors[weights_name]
    assert weights.quantization is not None
    scale = list(weights.quantization.scale)
    scale[channel] = scale[0]
    changed = dataclasses.replace(weights.quantization, scale=tuple(scale))
    return dataclasses.replace(
        graph, tensors={**graph.tensors, weights_name: dataclasses.replace(weights, quantization=changed)}
    )
