"""The Kronecker convolution on an emulated Cortex-M4: same bytes as TFLM, cost as claimed, loops without the stack."""

import shutil
import subprocess

import numpy as np
import pytest

from ppg_deploy.compile.kernels.kronecker import KroneckerConvolution
from ppg_deploy.compile.kernels.kronecker_wide import WideKroneckerConvolution
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from tests.support.against_tflm import compare_on_cortex_m4, tflm_outputs
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.compile_host import RUNTIME
from tests.support.compile_networks import windows_for
from tests.support.kronecker_cases import (
    equal_weights,
    force_kronecker,
    large_weights,
    random_convolution,
    trained_like,
    windows_at_the_ends,
)

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def test_random_convolutions_equal_tflm(monkeypatch: pytest.MonkeyPatch) -> None:
    force_kronecker(monkeypatch)
    names = [
        compare_on_cortex_m4(random_convolution(seed), 4).compiled.operators[0].kernel
        for seed in range(300, 325)
    ]
    assert names.count("conv_kronecker") >= 18


@pytest.mark.parametrize("activation", [Activation.RELU, Activation.NONE])
@pytest.mark.parametrize("bias", [(12_256, -12_256), (400_000, -900_000)])
def test_accumulators_around_a_center(
    monkeypatch: pytest.MonkeyPatch, bias: tuple[int, int], activation: Activation
) -> None:
    force_kronecker(monkeypatch)
    for weight in (127, -127):
        loaded = compare_on_cortex_m4(equal_weights(weight, 8, 0, bias, activation), 12)
        assert loaded.compiled.operators[0].kernel == "conv_kronecker"


@pytest.mark.parametrize(("channels", "columns"), [(12, 40), (20, 25), (30, 13), (31, 4)])
def test_several_passes_at_the_ends_of_their_fields(
    monkeypatch: pytest.MonkeyPatch, channels: int, columns: int
) -> None:
    force_kronecker(monkeypatch)
    graph = large_weights(channels, (2, columns, channels), 4, 7, 1)
    loaded = cortex_m4().build(graph)
    windows = windows_at_the_ends(graph)
    assert loaded.compiled.operators[0].kernel == "conv_kronecker_wide"
    np.testing.assert_array_equal(loaded.run(windows), tflm_outputs(graph, windows))


@pytest.mark.parametrize(
    ("columns", "channels", "kernel"),
    [
        (22, 32, "conv_kronecker"),
        (25, 32, "conv_kronecker_halves"),
        (22, 60, "conv_kronecker_wide"),
        (25, 60, "conv_kronecker_wide_halves"),
    ],
)
def test_chosen_forms_are_enough(columns: int, channels: int, kernel: str) -> None:
    """With all other forms compiled out."""
    graph = trained_like(1, (1, columns, channels), 16, 5)
    loaded = compare_on_cortex_m4(graph, 4, optimize=Optimize.SPEED, features=True)
    assert [operator.kernel for operator in loaded.compiled.operators] == [kernel]


@pytest.mark.parametrize("channels", [4, 20])
@pytest.mark.parametrize("stride", [1, 2])
def test_every_rest_of_columns(monkeypatch: pytest.MonkeyPatch, stride: int, channels: int) -> None:
    force_kronecker(monkeypatch)
    for kernel, columns in ((3, 1), (5, 8), (7, 9), (2, 28), (4, 29), (9, 30), (6, 31)):
        graph = large_weights(columns, (1, columns, channels), 4, kernel, stride)
        assert compare_on_cortex_m4(graph, 3).compiled.operators[0].kernel.startswith("conv_kronecker")


# Cycles per MAC measured are 0.74, 0.79, 0.76, 0.71, 0.91 and 1.09; in several passes 0.75, 0.78, 0.85 and 0.80.
@pytest.mark.parametrize(
    ("graph", "bound"),
    [
        (trained_like(1, (1, 200, 32), 32, 5), 0.77),
        (trained_like(2, (1, 200, 32), 64, 5, stride=2), 0.82),
        (trained_like(1, (1, 200, 32), 32, 5, activation=Activation.NONE), 0.79),
        (trained_like(4, (1, 200, 32), 32, 7), 0.74),
        (trained_like(4, (1, 200, 32), 32, 3), 0.93),
        (trained_like(3, (4, 256, 16), 16, 3, dilation=2), 1.12),
        (trained_like(1, (1, 50, 64), 64, 5), 0.77),
        (trained_like(1, (1, 25, 64), 64, 5, activation=Activation.NONE), 0.80),
        (trained_like(1, (1, 13, 64), 64, 5), 0.87),
        (trained_like(1, (1, 7, 128), 64, 5), 0.83),
    ],
    ids=[
        "k5",
        "k5 stride 2",
        "k5 no relu",
        "k7",
        "k3",
        "k3 dilation 2",
        "64",
        "64 no relu",
        "64 short",
        "128",
    ],
)
def test_cost_is_as_claimed_and_as_predicted(
    monkeypatch: pytest.MonkeyPatch, graph: Graph, bound: float
) -> None:
    force_kronecker(monkeypatch)
    loaded = compare_on_cortex_m4(graph, 2)
    (operator,) = loaded.compiled.operators
    cost = loaded.cost(windows_for(graph, 3, 2)[1])
    (step,) = lower(graph).steps
    kinds = (KroneckerConvolution, WideKroneckerConvolution)
    kernels = [kind(halves=halves) for kind in kinds for halves in (True, False)]
    kernel = next(one for one in kernels if one.matches(step))
    assert operator.kernel == kernel.name.removesuffix("_halves")
    assert cost.cycles <= bound * operator.macs
    assert kernel.predicted_cycles(step) == pytest.approx(cost.cycles, rel=0.05)


def test_inner_loops_do_not_touch_the_stack(tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("kronecker") / "kronecker.o"
    flags = ["-mcpu=cortex-m4", "-mthumb", "-O2", "-std=gnu11", f"-I{RUNTIME}"]
    source = str(RUNTIME / "ppg_kronecker.c")
    subprocess.run(["arm-none-eabi-gcc", *flags, "-c", source, "-o", str(target)], check=True, timeout=60)
    command = ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(target)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    lines = listing.splitlines()
    products = [number for number, line in enumerate(lines) if "smlal\t" in line]
    # 16 steps of 12 products, 16 of 8, 8 of 8, and half as many in half blocks.
    assert len(products) == 3 * (16 * 12 + 16 * 8 + 8 * 8) // 2
    halves = next(number for number in range(len(products)) if products[number + 1] - products[number] > 20)
    assert halves + 1 == 16 * 6 + 16 * 4 + 8 * 4
    packs = [number for number, line in enumerate(lines) if "pkh" in line]
    loops = (
        lines[products[0] - 8 : products[halves] + 1],
        lines[products[halves + 1] - 4 : products[-1] + 1],
        lines[packs[0] - 9 : packs[-1] + 4],
    )
    for loop in loops:
        assert not [line for line in loop if "sp" in line.split("\t", 1)[1]]
    assert "uxtb16" in "".join(loops[2])
    assert "bne" in loops[2][-1]
    # What the class says the machine code takes, all forms included.
    sizes = subprocess.run(
        ["arm-none-eabi-size", str(target)], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert WideKroneckerConvolution(halves=True).code_bytes == pytest.approx(int(sizes[6]), rel=0.02)
