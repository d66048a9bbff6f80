"""The assembler of the Winograd kernel on an emulated Cortex-M4: TFLM's bytes, no stray write, cost as claimed."""

import shutil

import pytest

from ppg_deploy.compile.kernels.winograd import WinogradConvolution
from ppg_deploy.compile.lower import lower
from ppg_deploy.graph.operators import Activation
from tests.support.against_tflm import compare_on_cortex_m4
from tests.support.compile_networks import pulse_like, windows_for
from tests.support.disassembly import functions_of, on_loops
from tests.support.forced_kernels import force
from tests.support.winograd_cases import layer, random_convolution

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.fixture(autouse=True)
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, "conv_winograd")


def test_random_convolutions_equal_tflm() -> None:
    used = 0
    for seed in range(500, 530):
        compiled = compare_on_cortex_m4(random_convolution(seed), 12).compiled
        used += sum("conv_winograd" in operator.kernel for operator in compiled.operators)
    assert used >= 40


@pytest.mark.parametrize("ram_budget", [None, 2600])
def test_pulse_like_network_equals_tflm(ram_budget: int | None) -> None:
    compiled = compare_on_cortex_m4(pulse_like(columns=64), 12, ram_budget=ram_budget).compiled
    assert sum("conv_winograd" in operator.kernel for operator in compiled.operators) == 9


@pytest.mark.parametrize(
    ("shape", "activation", "cycles_per_mac"),
    [
        ((4, 256, 16, 16, 2), Activation.RELU, 0.86),
        ((4, 64, 24, 24, 3), Activation.RELU, 0.85),
        ((4, 16, 32, 32, 4), Activation.RELU, 0.72),
        ((4, 256, 16, 16, 2), Activation.NONE, 0.98),
        ((1, 61, 32, 20, 1), Activation.RELU, 0.90),
        ((1, 40, 64, 64, 1), Activation.RELU, 0.70),
    ],
)
def test_cost_is_what_is_claimed_and_predicted(
    shape: tuple[int, int, int, int, int], activation: Activation, cycles_per_mac: float
) -> None:
    graph = layer(*shape, activation)
    loaded = compare_on_cortex_m4(graph, 4)
    cycles = loaded.cost(windows_for(graph, 3)[5]).cycles
    assert cycles <= cycles_per_mac * loaded.compiled.macs
    (step,) = lower(graph).steps
    assert WinogradConvolution().predicted_cycles(step) == pytest.approx(cycles, rel=0.05)


def test_inner_loops_do_not_touch_the_stack() -> None:
    inside = on_loops(functions_of("ppg_winograd.c")["multiply_tiles"])
    # The products of six slots with 16 pairs each, and the transform's loop.
    assert sum(instruction.name == "smlad" for instruction in inside) == 6 * 16 * 8 - 16
    assert sum(instruction.name == "sxtab16" for instruction in inside) == 12
    assert [instruction for instruction in inside if instruction.uses_stack] == []
