"""Programs cut into rows and stretches of time: same bytes as TFLM, within the budget, nothing else touched."""

import shutil

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.errors import DoesNotFitError
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import AveragePool2D, MaxPool2D
from tests.support.against_tflm import compare_on_host
from tests.support.compile_cases import network
from tests.support.compile_host import SHA256
from tests.support.compile_networks import NetworkBuilder, pulse_like, resnet_like, windows_for
from tests.support.int16_graphs import network as int16_network

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def _arena(graph: Graph, budget: int | None, optimize: Optimize = Optimize.BALANCED) -> int:
    compiled = compile_graph(graph, model_sha256=SHA256, dsp=True, optimize=optimize, ram_budget=budget)
    return compiled.arena_bytes


def _smallest(graph: Graph) -> int:
    """What the refusal of a budget of nothing names."""
    with pytest.raises(DoesNotFitError) as caught:
        _arena(graph, 1)
    return int(caught.value.message.split("at least ")[1].split(" bytes")[0].replace(",", ""))


def _exact_within(graph: Graph, budget: int) -> None:
    ((compiled, _),) = compare_on_host([(graph, windows_for(graph, 7, 6))], ram_budget=budget)
    assert compiled.arena_bytes <= budget


@pytest.mark.parametrize("make", [pulse_like, resnet_like])
def test_every_budget_down_to_the_smallest_is_met_exactly(make: type) -> None:
    graph = make()
    whole = _arena(graph, None, Optimize.SIZE)
    smallest = _smallest(graph)
    assert smallest < whole
    for budget in np.linspace(smallest, whole, 5).astype(int).tolist():
        _exact_within(graph, budget)
    with pytest.raises(DoesNotFitError):
        _arena(graph, smallest - 1)


def test_pulse_rows_go_depth_first_without_computing_anything_twice() -> None:
    graph = pulse_like()
    compiled = compile_graph(graph, model_sha256=SHA256, dsp=True)
    assert compiled.arena_bytes <= 12_288 < _arena(graph, None, Optimize.SIZE)
    assert [operator.computed_macs for operator in compiled.operators] == [
        operator.macs for operator in compiled.operators
    ]
    # Twelve operators work on four rows, all but the convolution across them and the two dense layers.
    assert [operator.pieces for operator in compiled.operators] == [4] * 12 + [1] * 3


@pytest.mark.parametrize("seed", range(12))
def test_random_chains_in_stretches_are_exact(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = int(random.choice([1, 1, 2, 3]))
    net = NetworkBuilder(seed, (1, rows, int(random.integers(20, 70)), int(random.choice([1, 2, 3]))))
    source = net.input
    for _ in range(int(random.integers(2, 5))):
        kernel, dilation = int(random.choice([1, 2, 3, 5])), int(random.integers(1, 4))
        channels = int(random.choice([3, 4, 6]))
        source = net.convolution(source, channels, (1, kernel), dilation=(1, dilation))
        if random.random() < 0.4:
            source = net.add(source, net.convolution(source, channels, (1, 3)))
    width = int(random.choice([2, 3, 4]))
    source = net.pool(source, AveragePool2D if random.integers(2) else MaxPool2D, (1, width), (1, width))
    source = net.reshape(source, (1, net.tensors[source].size))
    graph = net.graph(net.dense(source, 3))
    smallest, whole = _smallest(graph), _arena(graph, None, Optimize.SIZE)
    _exact_within(graph, smallest)
    _exact_within(graph, (smallest + whole) // 2)


@pytest.mark.parametrize("seed", range(30))
def test_random_networks_are_exact_with_the_smallest_arena(seed: int) -> None:
    graph = network(seed)
    _exact_within(graph, _smallest(graph))


@pytest.mark.parametrize("seed", range(10))
def test_int16_networks_are_exact_with_the_smallest_arena(seed: int) -> None:
    graph = int16_network(seed)
    codes = np.random.default_rng(seed).integers(-32768, 32768, (6, *graph.input.shape[1:])).astype(np.int16)
    smallest = _smallest(graph)
    ((compiled, _),) = compare_on_host([(graph, codes)], ram_budget=smallest)
    assert compiled.arena_bytes <= smallest
