"""Portable C of the direct kernels against the TFLM interpreter, each forced where it matches."""

import shutil

import pytest

from ppg_deploy.compile.lower import lower
from tests.support.against_tflm import compare_graphs_on_host
from tests.support.direct_cases import NAMES, cases_of
from tests.support.forced_kernels import force, kernel_of_name

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

# Fewest cases that the kernel takes: right shifts and signs leave some to others.
_TAKEN = {
    "conv_quads_11": 12,
    "conv_quads_14": 12,
    "conv_quads_any": 38,
    "conv_threes": 30,
    "conv_fives": 30,
    "conv_trios_14": 12,
    "conv_trios_15": 12,
    "conv_trios_signed": 30,
    "dense_wide": 12,
}


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_tflm(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, name)
    kernel = kernel_of_name(name)
    graphs = [graph for graph in cases_of(name, 70) if kernel.matches(lower(graph).steps[0])]
    assert len(graphs) >= _TAKEN[name]
    for compiled in compare_graphs_on_host(graphs, 8):
        assert f"ppg_{name}(" in compiled.files["model.c"]
