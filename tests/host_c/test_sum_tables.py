"""The portable C of ppg_sum_tables.c against the TFLM interpreter, under sanitizers."""

import shutil

import numpy as np
import pytest

import ppg_deploy.compile.kernels as kernels_module
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import host_runner
from tests.support.compile_networks import windows_for
from tests.support.small_cases import equal_sum

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def test_outputs_equal_tflm(monkeypatch: pytest.MonkeyPatch) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    others = tuple(kernel for kernel in kernels_module.KERNELS if kernel.name not in ("sum", "add"))
    monkeypatch.setattr(kernels_module, "KERNELS", others)
    graphs = [equal_sum(seed, 1 + 7 * seed) for seed in range(12)]
    cases = [(graph, windows_for(graph, number)) for number, graph in enumerate(graphs)]
    for (graph, windows), (compiled, outputs) in zip(cases, host_runner().run(cases), strict=True):
        assert compiled.operators[-1].kernel == "sum_tables"
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        np.testing.assert_array_equal(outputs, expected, err_msg=str(graph.operators))
