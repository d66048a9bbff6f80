"""The portable C of the small operators' kernels against the TFLM interpreter, under sanitizers."""

import shutil

import pytest

from tests.support.against_tflm import compare_graphs_on_host
from tests.support.small_cases import FAMILIES

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNT = 24


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    build, kernels = FAMILIES[family]
    models = compare_graphs_on_host([build(seed) for seed in range(3000, 3000 + COUNT)])
    assert {compiled.operators[-1].kernel for compiled in models} >= kernels
