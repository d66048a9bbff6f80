"""What the compiler refuses of data movement, reductions, products and normalisation: operator and tensor are named."""

import dataclasses
from typing import Any

import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Graph, Quantization
from tests.support import tensor_cases


def _refusal(graph: Graph) -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        compile_graph(graph, model_sha256="0" * 64, dsp=False)
    assert caught.value.hint
    assert graph.operators[-1].kind in caught.value.message
    return caught.value.message


def _tensor(graph: Graph, name: str, **changes: Any) -> Graph:
    changed = dataclasses.replace(graph.tensors[name], **changes)
    return dataclasses.replace(graph, tensors={**graph.tensors, name: changed})


def _last(graph: Graph, **changes: Any) -> Graph:
    operator = dataclasses.replace(graph.operators[-1], **changes)
    return dataclasses.replace(graph, operators=(*graph.operators[:-1], operator))


@pytest.mark.parametrize("family", sorted(tensor_cases.FAMILIES))
def test_outputs_of_another_shape(family: str) -> None:
    graph = tensor_cases.FAMILIES[family](3)
    assert compile_graph(graph, model_sha256="0" * 64, dsp=False).operators
    shape = graph.output.shape
    _refusal(_tensor(graph, graph.outputs[0], shape=(*shape[:-1], shape[-1] + 1)))


def test_transpose() -> None:
    graph = tensor_cases.transpose(2)
    order = tuple(range(len(graph.input.shape)))
    assert "permuted" in _refusal(_last(graph, permutation=(1, 0, *order[2:])))
    assert "permuted" in _refusal(_last(graph, permutation=(0, *order[1:-1], 1)))
    assert "parameters" in _refusal(_tensor(graph, graph.outputs[0], quantization=Quantization((9.0,), (3,))))


def test_reductions() -> None:
    graph = tensor_cases.mean(2)
    assert "axes (0, 1)" in _refusal(_last(graph, axes=(0, 1)))
    assert "axes ()" in _refusal(_last(graph, axes=()))
    tiny = Quantization((1e-30,), (0,))
    assert "scale" in _refusal(_tensor(graph, graph.outputs[0], quantization=tiny))


def test_differences_with_a_far_too_small_output_scale() -> None:
    tiny = Quantization((1e-30,), (0,))
    for make in (tensor_cases.sub, tensor_cases.squared_difference):
        graph = make(3)
        assert "scale" in _refusal(_tensor(graph, graph.outputs[0], quantization=tiny))


def test_products() -> None:
    graph = tensor_cases.batch_matmul(3)
    first, second = graph.operators[-1].inputs
    constant = first if graph.tensors[first].is_constant else second
    shape = graph.tensors[constant].shape
    data = graph.tensors[constant].data
    assert data is not None
    for wrong in ((*shape[:2], shape[2] + 1, shape[3] + 1), (1, shape[1] + 1, *shape[2:])):
        assert "match" in (text := _refusal(_tensor(graph, constant, shape=wrong))) or "sums" in text
    tiny = Quantization((1e-30,), (0,))
    assert "scale" in _refusal(_tensor(graph, graph.outputs[0], quantization=tiny))


def test_normalisation() -> None:
    graph = tensor_cases.l2_normalization(1)
    assert "1/128" in _refusal(_tensor(graph, graph.outputs[0], quantization=Quantization((0.01,), (0,))))
    graph = tensor_cases.rsqrt(1)
    scale = graph.input.scale
    assert "negative" in _refusal(
        _tensor(graph, graph.inputs[0], quantization=Quantization((scale,), (-100,)))
    )
