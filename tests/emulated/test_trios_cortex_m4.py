"""Kernels for separable and residual networks on an emulated Cortex-M4: cycles as promised and as predicted."""

import shutil
from typing import Any

import numpy as np
import pytest

import ppg_deploy.compile.kernels as kernels_module
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.compile_networks import windows_for
from tests.support.direct_cases import convolution
from tests.support.small_cases import equal_sum

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

_NONE: dict[str, Any] = {"activation": Activation.NONE, "zero": 4}


def _cost_per(graph: Graph, units: int) -> tuple[str, float]:
    """(kernel, cycles per unit) of the last operator; the bytes are TFLM's, the prediction is near."""
    from ppg_deploy.golden.tflm import TflmInterpreter

    windows = windows_for(graph, 3, 6)
    loaded = cortex_m4().build(graph, optimize=Optimize.SPEED)
    expected = TflmInterpreter(write_tflite(graph)).run(windows)
    np.testing.assert_array_equal(loaded.run(windows), expected, err_msg=str(graph.operators))
    last = loaded.compiled.operators[-1]
    cycles = loaded.cost(windows[5]).by_operator[f"ppg_model_op_{last.index:03d}"]
    (kernel,) = (kernel for kernel in kernels_module.KERNELS if kernel.name == last.kernel)
    assert kernel.predicted_cycles(lower(graph).steps[-1]) == pytest.approx(cycles, rel=0.08)
    return last.kernel, cycles / units


@pytest.mark.parametrize(
    ("graph", "cycles_per_mac"),
    [
        (convolution(8, (1, 1, 51, 64), 64, (1, 1)), 0.99),
        (convolution(8, (1, 1, 51, 32), 64, (1, 1)), 1.13),
        (convolution(8, (1, 1, 51, 48), 96, (1, 1)), 1.04),
        (convolution(8, (1, 5, 21, 64), 64, (1, 1)), 0.99),
        (convolution(8, (1, 1, 51, 64), 64, (1, 1), **_NONE), 1.05),
        (convolution(8, (1, 1, 51, 16), 64, (1, 1), **_NONE), 1.68),
        (convolution(8, (1, 6, 12, 8), 16, (3, 3)), 1.2),
    ],
    ids=lambda value: None if isinstance(value, float) else "",
)
def test_three_positions_at_a_time(graph: Graph, cycles_per_mac: float) -> None:
    kernel, cost = _cost_per(graph, lower(graph).steps[0].macs)
    assert kernel.startswith("conv_trios")
    assert cost <= cycles_per_mac


def test_sums_by_two_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(kernel for kernel in kernels_module.KERNELS if kernel.name != "sum")
    monkeypatch.setattr(kernels_module, "KERNELS", others)
    for seed in range(20, 28):
        kernel, cost = _cost_per(equal_sum(seed, 50), 400)
        assert kernel == "sum_tables"
        assert cost <= (12 if seed % 2 else 9)
