"""Kernels without the forms that a model does not need: still TFLM's bytes, and smaller."""

import shutil

import pytest

from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from tests.support.against_tflm import compare_on_cortex_m4
from tests.support.compile_cases import FAMILIES
from tests.support.compile_cortex_m4 import CompiledForM4, cortex_m4
from tests.support.compile_networks import pulse_like, resnet_like

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    for number, seed in enumerate(range(7000, 7004)):
        compare_on_cortex_m4(FAMILIES[family](seed), 8, optimize=list(Optimize)[number % 3], features=True)


@pytest.mark.parametrize("graph", [pulse_like(), resnet_like()], ids=["pulse", "residual"])
def test_whole_networks_in_the_small_form(graph: Graph) -> None:
    loaded = compare_on_cortex_m4(graph, 8, optimize=Optimize.SIZE, features=True)
    everything = cortex_m4().build(graph, optimize=Optimize.SIZE)
    assert _code_bytes(loaded) < 0.9 * _code_bytes(everything)


def _code_bytes(loaded: CompiledForM4) -> int:
    used = [name for name in loaded.sizes if "data" not in name and name.startswith("ppg_")]
    return sum(loaded.sizes[name] for name in used)
