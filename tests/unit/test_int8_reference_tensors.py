"""Data movement, reductions, matrix products and normalisation in numpy against TFLM's own interpreter."""

from collections.abc import Callable

import numpy as np
import pytest

from ppg_deploy.graph import Graph
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite import write_tflite
from tests.support.int8_graphs import random_windows
from tests.support.tensor_cases import FAMILIES

tflite_micro = pytest.importorskip("tflite_micro", reason="the [golden] extra is not installed")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_equal_to_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    make: Callable[[int], Graph] = FAMILIES[family]
    distinct = 0
    for seed in range(40):
        graph = make(seed)
        windows = random_windows(graph, 8, seed)
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        answered = run_quantized_output(graph, windows)
        assert np.array_equal(answered, expected), f"seed {seed}: {graph.operators[-1]}"
        distinct += len(np.unique(expected)) > 4
    # Constant outputs would hide errors.
    assert distinct > 12
