"""The Kronecker convolution's portable C against the TFLM interpreter, byte by byte."""

import shutil

import numpy as np
import pytest

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from tests.support.against_tflm import compare_graphs_on_host, compare_on_host
from tests.support.compile_networks import NetworkBuilder, windows_for, with_dead_channel
from tests.support.kronecker_cases import (
    equal_weights,
    force_kronecker,
    large_weights,
    random_convolution,
    trained_like,
    windows_at_the_ends,
)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def _compare(graphs: list[Graph], count: int = 8) -> list[list[str]]:
    """Kernels per graph, after all outputs were found equal."""
    models = compare_graphs_on_host(graphs, count)
    return [[operator.kernel for operator in compiled.operators] for compiled in models]


def test_random_convolutions_equal_tflm(monkeypatch: pytest.MonkeyPatch) -> None:
    force_kronecker(monkeypatch)
    kernels = _compare([random_convolution(seed) for seed in range(60)])
    assert sum("conv_kronecker" in names for names in kernels) >= 50


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 7, 8, 27, 28, 29, 55, 56])
def test_every_rest_of_columns(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    force_kronecker(monkeypatch)
    graphs = [
        trained_like(columns, (2, columns, 5), 4, kernel, stride=stride, dilation=dilation)
        for kernel, stride, dilation in ((5, 1, 1), (3, 1, 2), (4, 2, 1), (9, 1, 3), (7, 2, 1), (6, 2, 3))
    ]
    assert {names[0] for names in _compare(graphs, 3)} == {"conv_kronecker"}


@pytest.mark.parametrize("activation", [Activation.RELU, Activation.NONE])
@pytest.mark.parametrize("zero", [-128, 0, 127])
@pytest.mark.parametrize("weight", [127, -127])
def test_accumulators_at_the_ends_of_the_fields(
    monkeypatch: pytest.MonkeyPatch, weight: int, zero: int, activation: Activation
) -> None:
    force_kronecker(monkeypatch)
    graphs = [
        # 8 taps x 4 channels x 127 x 255 = 1,036,320 of 1,048,575 without a center, then one further.
        equal_weights(weight, 4, zero, (12_255, -12_255), activation),
        equal_weights(weight, 4, zero, (12_256, -12_256), activation),
        # 2,072,640 of 2,097,150, around centers far from 0.
        equal_weights(weight, 8, zero, (400_000, -900_000), activation),
    ]
    assert _compare(graphs, 20) == [["conv_kronecker"]] * 3


@pytest.mark.parametrize("activation", [Activation.RELU, Activation.NONE])
@pytest.mark.parametrize("zero", [-128, 0, 127])
@pytest.mark.parametrize("weight", [127, -127])
def test_accumulators_at_the_ends_of_several_passes(
    monkeypatch: pytest.MonkeyPatch, weight: int, zero: int, activation: Activation
) -> None:
    force_kronecker(monkeypatch)
    # 8 channels of 8 taps to a pass.
    graphs = [
        equal_weights(weight, channels, zero, (400_000, -900_000), activation)
        for channels in (9, 16, 17, 24, 25, 32)
    ]
    assert _compare(graphs, 20) == [["conv_kronecker_wide"]] * 6
    graph = equal_weights(weight, 33, zero, (400_000, -900_000), activation)
    ((kernel,),) = _compare([graph], 4)
    assert not kernel.startswith("conv_kronecker")


@pytest.mark.parametrize(
    ("kernel", "channels"), [(5, 15), (5, 38), (3, 50), (4, 40), (2, 81), (9, 14), (7, 27)]
)
def test_every_channel_at_the_ends_of_its_passes(
    monkeypatch: pytest.MonkeyPatch, kernel: int, channels: int
) -> None:
    force_kronecker(monkeypatch)
    graphs = [large_weights(kernel + stride, (1, 27, channels), 6, kernel, stride) for stride in (1, 2)]
    cases = [(graph, windows_at_the_ends(graph)) for graph in graphs]
    for compiled, _ in compare_on_host(cases):
        assert [operator.kernel for operator in compiled.operators] == ["conv_kronecker_wide"]


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 7, 8, 27, 28, 29])
def test_every_rest_of_columns_in_several_passes(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    force_kronecker(monkeypatch)
    graphs = [
        large_weights(columns, (2, columns, channels), 4, kernel, stride)
        for kernel, channels, stride in ((5, 15, 1), (3, 50, 1), (6, 24, 2))
    ]
    assert _compare(graphs, 3) == [["conv_kronecker_wide"]] * 3


def test_constant_channels_may_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    force_kronecker(monkeypatch)
    graph = trained_like(3, (1, 60, 8), 6, 5)
    dead = with_dead_channel(graph, 0, 3, 127, -(1 << 30))
    assert _compare([dead]) == [["conv_kronecker"]]
    wide = with_dead_channel(large_weights(3, (1, 60, 20), 6, 5, 1), 0, 3, 127, -(1 << 30))
    assert _compare([wide]) == [["conv_kronecker_wide"]]


def test_overwrites_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    force_kronecker(monkeypatch)
    net = NetworkBuilder(9, (1, 3, 50, 6), -128)
    name = net.input
    for dilation in (1, 2, 3):
        name = net.convolution(name, 6, (1, 5), dilation=(1, dilation), activation=Activation.RELU, zero=-128)
    graph = net.graph(name)
    from ppg_deploy.compile import compile_graph

    compiled = compile_graph(graph, model_sha256="0" * 64, dsp=False)
    assert any(operator.in_place for operator in compiled.operators)
    assert _compare([graph]) == [["conv_kronecker"] * 3]


@pytest.mark.parametrize("seed", range(6))
def test_pieces_of_rows_and_columns(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    from ppg_deploy.compile import compile_graph
    from ppg_deploy.errors import DoesNotFitError

    force_kronecker(monkeypatch)
    random = np.random.default_rng(seed)
    net = NetworkBuilder(seed, (1, int(random.integers(1, 4)), int(random.integers(40, 90)), 2), -128)
    name = net.input
    for _ in range(3):
        kernel, stride = int(random.integers(2, 8)), int(random.integers(1, 3))
        dilation = int(random.integers(1, 4))
        name = net.convolution(name, 4, (1, kernel), stride=(1, stride), dilation=(1, dilation))
    graph = net.graph(net.dense(net.reshape(name, (1, net.tensors[name].size)), 3))
    with pytest.raises(DoesNotFitError) as refused:
        compile_graph(graph, model_sha256="0" * 64, dsp=False, ram_budget=1)
    smallest = int(refused.value.message.split("at least ")[1].split(" bytes")[0].replace(",", ""))
    ((compiled, _),) = compare_on_host([(graph, windows_for(graph, seed, 6))], ram_budget=smallest + 40)
    # Stretches copy what they hand on.
    convolutions = [operator.kernel for operator in compiled.operators if operator.kind == "CONV_2D"]
    assert all(set(kernel.split(" + ")) <= {"conv_kronecker", "copy"} for kernel in convolutions)
    assert max(operator.pieces for operator in compiled.operators) > 1
