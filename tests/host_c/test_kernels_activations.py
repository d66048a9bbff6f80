"""Tables and softmax in portable C against the TFLM interpreter; chains of functions become one table."""

import dataclasses
import shutil

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.golden import open_golden
from ppg_deploy.graph import Graph, Quantization
from ppg_deploy.tflite.writer import write_tflite
from tests.support import activation_cases
from tests.support.activation_cases import FUNCTIONS, NETWORKS, every_code, gelu, softmax
from tests.support.compile_host import SHA256, host_runner
from tests.support.compile_networks import windows_for

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNT = 4


def test_functions_equal_tflm_for_every_code() -> None:
    graphs = [make(seed) for make in FUNCTIONS.values() for seed in range(COUNT)]
    _compare([(graph, every_code(graph)) for graph in graphs])


def test_gelu_equals_its_definition() -> None:
    graphs = [gelu(seed) for seed in range(COUNT)]
    _compare([(graph, every_code(graph)) for graph in graphs])


def test_softmax_equals_tflm() -> None:
    graphs = [softmax(seed) for seed in range(12)]
    _compare([(graph, windows_for(graph, seed)) for seed, graph in enumerate(graphs)])


def test_networks_equal_tflm() -> None:
    graphs = [make(seed) for make in NETWORKS.values() for seed in range(COUNT)]
    _compare([(graph, windows_for(graph, seed)) for seed, graph in enumerate(graphs)])


def _compare(cases: list[tuple[Graph, np.ndarray]]) -> None:
    for (graph, windows), (_, outputs) in zip(cases, host_runner().run(cases), strict=True):
        expected = open_golden(graph, write_tflite(graph)).run(windows)
        np.testing.assert_array_equal(outputs, expected, str(graph.operators))


def _kinds(graph: Graph) -> list[tuple[str, str]]:
    compiled = compile_graph(graph, model_sha256=SHA256, dsp=False)
    return [(operator.kind, operator.kernel) for operator in compiled.operators]


def test_chains_of_functions_are_one_table() -> None:
    assert _kinds(activation_cases.silu(0)) == [("CONV_2D", "conv_columns"), ("MUL", "lookup")]
    assert _kinds(activation_cases.scaled_elu(0)) == [("CONV_2D", "conv_columns"), ("LEAKY_RELU", "lookup")]


def test_a_function_read_elsewhere_keeps_its_own_step() -> None:
    kinds = [kind for kind, kernel in _kinds(activation_cases.shared_function(0)) if kernel == "lookup"]
    assert kinds == ["TANH", "MUL"]


def test_tables_overwrite_their_input() -> None:
    compiled = compile_graph(activation_cases.squeeze_and_excitation(0), model_sha256=SHA256, dsp=False)
    (table,) = (operator for operator in compiled.operators if operator.kernel == "lookup")
    assert table.in_place


def _with_output(graph: Graph, scale: float, zero: int) -> Graph:
    changed = dataclasses.replace(graph.output, quantization=Quantization((scale,), (zero,)))
    return dataclasses.replace(graph, tensors={**graph.tensors, graph.outputs[0]: changed})


@pytest.mark.parametrize("function", ["LOGISTIC", "TANH", "RELU6"])
def test_output_parameters_that_tflm_ignores_are_refused(function: str) -> None:
    graph = _with_output(FUNCTIONS[function](0), 0.015, 3)
    with pytest.raises(UnsupportedModelError, match=function):
        compile_graph(graph, model_sha256=SHA256, dsp=False)


@pytest.mark.parametrize("ratio", [1 / 2000, 300.0])
def test_hard_swish_out_of_proportion_is_refused(ratio: float) -> None:
    graph = FUNCTIONS["HARD_SWISH"](0)
    with pytest.raises(UnsupportedModelError, match="HARD_SWISH"):
        compile_graph(_with_output(graph, graph.input.scale / ratio, 0), model_sha256=SHA256, dsp=False)


def test_softmax_of_too_many_classes_is_refused() -> None:
    graph = softmax(0)
    wide = {name: dataclasses.replace(tensor, shape=(1, 1, 1, 512)) for name, tensor in graph.tensors.items()}
    with pytest.raises(UnsupportedModelError, match="SOFTMAX"):
        compile_graph(dataclasses.replace(graph, tensors=wide), model_sha256=SHA256, dsp=False)
