"""The convolution of small images: TFLM's bytes, portable and on an emulated Cortex-M4."""

import dataclasses
import shutil

import numpy as np
import pytest

import ppg_deploy.compile.kernels
from ppg_deploy.compile.kernels import KERNELS
from ppg_deploy.compile.kernels.convolution import ColumnsConvolution
from ppg_deploy.compile.kernels.quads_short import ShortQuadsConvolution
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.steps import Step
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cases import convolution, padded_convolution
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.compile_host import host_runner
from tests.support.compile_networks import NetworkBuilder, windows_for, with_dead_channel

pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")
requires_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
requires_arm = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")


class _Preferred(ShortQuadsConvolution):
    """Wins wherever it matches."""

    def predicted_cycles(self, step: Step) -> int:
        del step
        return 0


@pytest.fixture(autouse=True)
def only_this_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(kernel for kernel in KERNELS if not isinstance(kernel, ColumnsConvolution))
    monkeypatch.setattr(ppg_deploy.compile.kernels, "KERNELS", (_Preferred(), ColumnsConvolution(), *others))


def _cases() -> list[Graph]:
    random = [make(seed) for make in (convolution, padded_convolution) for seed in range(9000, 9014)]
    return random + [_edge_case(channels, zero) for channels in (1, 3, 4, 6) for zero in (-128, -5, 127)]


def _edge_case(channels: int, zero: int) -> Graph:
    net = NetworkBuilder(channels, (1, 2, 7, 5), zero=127)
    return net.graph(net.convolution(net.input, channels, (1, 3), zero=zero, gain=3.0))


def _uses(names: list[str]) -> int:
    return sum(name == "conv_quads_short" for name in names)


@requires_gcc
def test_portable_form() -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    cases = [(graph, windows_for(graph, 5, 10)) for graph in _cases()]
    used = 0
    for (graph, windows), (compiled, outputs) in zip(
        cases, host_runner().run(cases, optimize=Optimize.SPEED), strict=True
    ):
        np.testing.assert_array_equal(outputs, TflmInterpreter(write_tflite(graph)).run(windows))
        used += _uses([operator.kernel for operator in compiled.operators])
    assert used >= 24


@pytest.mark.arm
@requires_arm
def test_assembler() -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    used = 0
    for graph in _cases():
        windows = windows_for(graph, 6, 10)
        loaded = cortex_m4().build(graph, optimize=Optimize.SPEED)
        np.testing.assert_array_equal(loaded.run(windows), TflmInterpreter(write_tflite(graph)).run(windows))
        used += _uses([operator.kernel for operator in loaded.compiled.operators])
    assert used >= 24


@requires_gcc
@pytest.mark.parametrize(("zero", "expected"), [(-128, "conv_quads_short"), (-100, "conv_columns")])
def test_dead_channels(zero: int, expected: str) -> None:
    """A channel that is always the highest code has no place in the word of four; one at the zero point has."""
    from ppg_deploy.golden.tflm import TflmInterpreter

    net = NetworkBuilder(8, (1, 1, 12, 8))
    graph = net.graph(net.convolution(net.input, 6, (1, 3), activation=Activation.RELU, zero=zero))
    bias = -(1 << 31) if zero == -128 else (1 << 30) - 1
    graph = with_dead_channel(graph, 0, 4, 0, bias)
    if zero != -128:
        graph = _always_highest(graph, 4)
    windows = windows_for(graph, 2, 10)
    ((compiled, outputs),) = host_runner().run([(graph, windows)], optimize=Optimize.SPEED)
    np.testing.assert_array_equal(outputs, TflmInterpreter(write_tflite(graph)).run(windows))
    assert compiled.operators[0].kernel == expected


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
