"""Every kernel's portable C against the TFLM interpreter, byte by byte, over many odd single-operator models."""

import shutil

import numpy as np
import pytest

from tests.support.against_tflm import compare_on_host
from tests.support.compile_cases import FAMILIES
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
    graphs = [FAMILIES[family](seed) for seed in range(1000, 1000 + COUNTS[family])]
    results = compare_on_host([(graph, windows_for(graph, number)) for number, graph in enumerate(graphs)])
    # Constant outputs would hide errors: enough models must use many codes.
    distinct = sum(len(np.unique(outputs)) > 8 for _, outputs in results)
    assert distinct > len(results) / 3
