"""Kernels without the forms that a model does not need: still TFLM's bytes, and smaller."""

import shutil

import numpy as np
import pytest

from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cases import FAMILIES
from tests.support.compile_cortex_m4 import CompiledForM4, cortex_m4
from tests.support.compile_networks import pulse_like, resnet_like, windows_for

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def _compare(graph: Graph, optimize: Optimize) -> CompiledForM4:
    from ppg_deploy.golden.tflm import TflmInterpreter

    windows = windows_for(graph, 11, 8)
    loaded = cortex_m4().build(graph, optimize=optimize, features=True)
    expected = TflmInterpreter(write_tflite(graph)).run(windows)
    np.testing.assert_array_equal(loaded.run(windows), expected, err_msg=str(graph.operators))
    return loaded


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    for number, seed in enumerate(range(7000, 7004)):
        _compare(FAMILIES[family](seed), list(Optimize)[number % 3])


@pytest.mark.parametrize("graph", [pulse_like(), resnet_like()], ids=["pulse", "residual"])
def test_whole_networks_in_the_small_form(graph: Graph) -> None:
    loaded = _compare(graph, Optimize.SIZE)
    everything = cortex_m4().build(graph, optimize=Optimize.SIZE)
    assert _code_bytes(loaded) < 0.9 * _code_bytes(everything)


def _code_bytes(loaded: CompiledForM4) -> int:
    used = [name for name in loaded.sizes if "data" not in name and name.startswith("ppg_")]
    return sum(loaded.sizes[name] for name in used)
