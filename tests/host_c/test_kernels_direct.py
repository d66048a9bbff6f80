"""Portable C of the direct kernels against the TFLM interpreter, each forced where it matches."""

import shutil

import numpy as np
import pytest

from ppg_deploy.compile.lower import lower
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import host_runner
from tests.support.compile_networks import windows_for
from tests.support.direct_cases import NAMES, cases_of, force

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
    from ppg_deploy.golden.tflm import TflmInterpreter

    kernel = force(monkeypatch, name)
    graphs = [graph for graph in cases_of(name, 70) if kernel.matches(lower(graph).steps[0])]
    assert len(graphs) >= _TAKEN[name]
    cases = [(graph, windows_for(graph, number, 8)) for number, graph in enumerate(graphs)]
    for (graph, windows), (compiled, outputs) in zip(cases, host_runner().run(cases), strict=True):
        assert f"ppg_{name}(" in compiled.files["model.c"]
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        np.testing.assert_array_equal(outputs, expected, err_msg=str(graph.operators))
