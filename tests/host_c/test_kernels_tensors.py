"""The C of data movement, reductions, matrix products and normalisation against TFLM, byte by byte."""

import shutil

import numpy as np
import pytest

from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.compile_host import host_runner
from tests.support.int8_graphs import random_windows
from tests.support.tensor_cases import FAMILIES

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from ppg_deploy.golden.tflm import TflmInterpreter

    cases, expected = [], []
    for seed in range(500, 512):
        graph = FAMILIES[family](seed)
        model = write_tflite(graph)
        (tmp_path / "model.tflite").write_bytes(model)
        windows = random_windows(graph, 8, seed)
        # As a stranger's file: what is compiled has been through the reader.
        cases.append((read_tflite(tmp_path / "model.tflite"), windows))
        expected.append(TflmInterpreter(model).run(windows))
    for number, ((_, outputs), right) in enumerate(zip(host_runner().run(cases), expected, strict=True)):
        assert np.array_equal(outputs, right), f"{family} {500 + number}"
    assert sum(len(np.unique(right)) > 4 for right in expected) >= 4
