"""The portable C of the small operators' kernels against the TFLM interpreter, under sanitizers."""

import shutil

import numpy as np
import pytest

from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import host_runner
from tests.support.compile_networks import windows_for
from tests.support.small_cases import FAMILIES

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNT = 24


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    build, kernels = FAMILIES[family]
    graphs = [build(seed) for seed in range(3000, 3000 + COUNT)]
    cases = [(graph, windows_for(graph, number)) for number, graph in enumerate(graphs)]
    seen = set()
    for number, ((graph, windows), (compiled, outputs)) in enumerate(
        zip(cases, host_runner().run(cases), strict=True)
    ):
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        wrong = np.flatnonzero((outputs != expected).any(axis=0))
        assert wrong.size == 0, f"{family} {3000 + number}: {graph.operators}, outputs {wrong[:10]}"
        seen.add(compiled.operators[-1].kernel)
    assert seen >= kernels
