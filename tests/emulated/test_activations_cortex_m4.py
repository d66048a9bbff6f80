"""Tables and softmax on an emulated Cortex-M4: same bytes as TFLM, and what they cost."""

import dataclasses
import shutil

import numpy as np
import pytest

from ppg_deploy.golden import open_golden
from ppg_deploy.graph import Graph
from ppg_deploy.tflite.writer import write_tflite
from tests.support.activation_cases import FUNCTIONS, NETWORKS, elu, gelu, softmax
from tests.support.compile_cortex_m4 import CompiledForM4, cortex_m4
from tests.support.compile_networks import windows_for

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def _compare(graph: Graph) -> CompiledForM4:
    windows = windows_for(graph, 3, 12)
    loaded = cortex_m4().build(graph)
    expected = open_golden(graph, write_tflite(graph)).run(windows)
    np.testing.assert_array_equal(loaded.run(windows), expected, err_msg=str(graph.operators))
    return loaded


@pytest.mark.parametrize("name", [*sorted(FUNCTIONS), "GELU", *sorted(NETWORKS)])
def test_equal_to_tflm(name: str) -> None:
    _compare({**FUNCTIONS, **NETWORKS, "GELU": gelu}[name](5))


def test_softmax_equals_tflm() -> None:
    for seed in range(6):
        _compare(softmax(seed))


def _cost_per_code(make_small: Graph, make_large: Graph) -> float:
    small, large = (
        _compare(graph).cost(windows_for(graph, 3)[5]).cycles for graph in (make_small, make_large)
    )
    return (large - small) / (make_large.output.size - make_small.output.size)


def test_a_table_costs_a_few_cycles_a_code() -> None:
    assert _cost_per_code(_widened(elu(0), 40), _widened(elu(0), 440)) <= 5.5


def test_softmax_costs_as_documented() -> None:
    assert _cost_per_code(_widened(softmax(0), 40), _widened(softmax(0), 140)) <= 60.0


def _widened(graph: Graph, columns: int) -> Graph:
    tensors = {
        name: dataclasses.replace(tensor, shape=(1, 1, 1, columns)) for name, tensor in graph.tensors.items()
    }
    return dataclasses.replace(graph, tensors=tensors)
