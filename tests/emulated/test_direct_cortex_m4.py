"""Assembler of the direct kernels on an emulated Cortex-M4: TFLM's bytes, cycles as promised and as predicted."""

import shutil
from typing import Any

import pytest

import ppg_deploy.compile.kernels as kernels_module
from ppg_deploy.compile.lower import lower
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, Padding
from tests.support.against_tflm import compare_on_cortex_m4
from tests.support.compile_networks import windows_for
from tests.support.direct_cases import NAMES, cases_of, convolution, dense
from tests.support.disassembly import functions_of, innermost_loops
from tests.support.forced_kernels import force, kernel_of_name

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

# Functions in assembler, by their source.
_ROUTINES = {
    "ppg_quads_11.c": "ppg_quads_11",
    "ppg_quads_14.c": "ppg_quads_14",
    "ppg_quads_any.c": "ppg_quads_any",
    "ppg_trios_14.c": "ppg_trios_14",
    "ppg_trios_15.c": "ppg_trios_15",
    "ppg_trios_signed.c": "ppg_trios_signed",
    "ppg_conv_threes.c": "threes",
    "ppg_conv_fives.c": "fives",
    "ppg_dense_wide.c": "sixes",
}


@pytest.mark.parametrize("name", NAMES)
def test_outputs_equal_tflm(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, name)
    kernel = kernel_of_name(name)
    graphs = [graph for graph in cases_of(name, 90) if kernel.matches(lower(graph).steps[0])]
    for graph in graphs[:: max(1, len(graphs) // 14)]:
        loaded = compare_on_cortex_m4(graph, 6)
        assert f"ppg_{name}(" in loaded.compiled.files["model.c"]


_NONE: dict[str, Any] = {"activation": Activation.NONE, "zero": 4}


@pytest.mark.parametrize(
    ("graph", "cycles_per_mac"),
    [
        (convolution(7, (1, 1, 50, 64), 64, (1, 1)), 1.15),
        (convolution(7, (1, 1, 50, 32), 64, (1, 1)), 1.27),
        (convolution(7, (1, 1, 50, 64), 64, (1, 1), **_NONE), 1.22),
        (convolution(7, (1, 1, 80, 32), 32, (1, 5), stride=(1, 2)), 1.12),
        (convolution(7, (1, 2, 64, 16), 16, (1, 3), dilation=(1, 2)), 1.34),
        (convolution(7, (1, 8, 8, 16), 16, (3, 3)), 1.25),
        (convolution(7, (1, 4, 8, 32), 32, (4, 1), padding=Padding.VALID, **_NONE), 1.17),
        (convolution(7, (1, 1, 256, 1), 16, (1, 3), dilation=(1, 2)), 2.8),
        (convolution(7, (1, 1, 200, 1), 32, (1, 5)), 2.4),
        (convolution(7, (1, 1, 100, 4), 32, (1, 3)), 1.8),
        (convolution(7, (1, 1, 60, 32), 32, (1, 3), groups=4), 1.9),
        (convolution(7, (1, 8, 8, 3), 16, (3, 3)), 2.0),
        (convolution(7, (1, 1, 61, 6), 7, (1, 3)), 4.2),
        (dense(7, 256, 32), 1.42),
        (dense(7, 640, 36), 1.27),
    ],
    ids=lambda value: None if isinstance(value, float) else "",
)
def test_costs_are_low_and_predicted(
    graph: Graph, cycles_per_mac: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct = {kernel.name: kernel for kernel in kernels_module.KERNELS if kernel.name in NAMES}
    monkeypatch.setattr(kernels_module, "KERNELS", tuple(direct.values()))
    step = lower(graph).steps[0]
    loaded = compare_on_cortex_m4(graph, 3)
    cycles = loaded.cost(windows_for(graph, 3)[5]).cycles
    assert cycles <= cycles_per_mac * step.macs
    (operator,) = loaded.compiled.operators
    assert direct[operator.kernel].predicted_cycles(step) == pytest.approx(cycles, rel=0.12)


@pytest.mark.parametrize("source", sorted(_ROUTINES))
def test_innermost_loops_do_not_touch_the_stack(source: str) -> None:
    loops = innermost_loops(functions_of(source)[_ROUTINES[source]])
    assert loops
    for loop in loops:
        assert not [instruction for instruction in loop if instruction.uses_stack]
