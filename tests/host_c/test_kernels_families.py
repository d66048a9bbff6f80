"""Every kernel's portable C against the TFLM interpreter, byte by byte, over many odd single-operator models."""

import shutil

import numpy as np
import pytest

from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cases import FAMILIES
from tests.support.compile_host import host_runner
from tests.support.compile_networks import windows_for

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNTS = {
    "convolution": 50,
    "padded convolution": 15,
    "depthwise": 20,
    "dense": 20,
    "pool": 20,
    "elementwise": 30,
    "pad": 6,
    "network": 30,
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    graphs = [FAMILIES[family](seed) for seed in range(1000, 1000 + COUNTS[family])]
    cases = [(graph, windows_for(graph, number)) for number, graph in enumerate(graphs)]
    distinct = 0
    for number, ((graph, windows), (_, outputs)) in enumerate(
        zip(cases, host_runner().run(cases), strict=True)
    ):
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        wrong = np.flatnonzero((outputs != expected).any(axis=0))
        assert wrong.size == 0, f"{family} {1000 + number}: {graph.operators}, outputs {wrong[:10]}"
        distinct += len(np.unique(expected)) > 8
    # Constant outputs would hide errors: enough models must use many codes.
    assert distinct > len(cases) / 3
