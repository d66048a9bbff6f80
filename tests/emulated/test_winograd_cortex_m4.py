"""The assembler of the Winograd kernel on an emulated Cortex-M4: TFLM's bytes, no stray write, cost as claimed."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import ppg_deploy.compile.kernels
from ppg_deploy.compile.kernels.winograd import WinogradConvolution
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import CompiledForM4, cortex_m4
from tests.support.compile_host import RUNTIME, WARNINGS
from tests.support.compile_networks import pulse_like, windows_for
from tests.support.winograd_cases import ForcedWinograd, layer, random_convolution

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.fixture(autouse=True)
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = (ForcedWinograd(), *ppg_deploy.compile.kernels.KERNELS)
    monkeypatch.setattr(ppg_deploy.compile.kernels, "KERNELS", kernels)


def _compare(graph: Graph, count: int = 12, ram_budget: int | None = None) -> CompiledForM4:
    from ppg_deploy.golden.tflm import TflmInterpreter

    windows = windows_for(graph, 3, count)
    loaded = cortex_m4().build(graph, optimize=Optimize.SPEED, ram_budget=ram_budget)
    expected = TflmInterpreter(write_tflite(graph)).run(windows)
    np.testing.assert_array_equal(loaded.run(windows), expected, err_msg=str(graph.operators))
    return loaded


def test_random_convolutions_equal_tflm() -> None:
    used = 0
    for seed in range(500, 530):
        compiled = _compare(random_convolution(seed)).compiled
        used += sum(operator.kernel == "conv_winograd" for operator in compiled.operators)
    assert used >= 40


@pytest.mark.parametrize("ram_budget", [None, 2600])
def test_pulse_like_network_equals_tflm(ram_budget: int | None) -> None:
    compiled = _compare(pulse_like(columns=64), ram_budget=ram_budget).compiled
    assert sum(operator.kernel == "conv_winograd" for operator in compiled.operators) == 9


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
    loaded = _compare(graph, count=4)
    cycles = loaded.cost(windows_for(graph, 3)[5]).cycles
    assert cycles <= cycles_per_mac * loaded.compiled.macs
    (step,) = lower(graph).steps
    assert WinogradConvolution().predicted_cycles(step) == pytest.approx(cycles, rel=0.05)


def test_inner_loops_do_not_touch_the_stack(tmp_path: Path) -> None:
    target = tmp_path / "winograd.o"
    command = ["arm-none-eabi-gcc", *WARNINGS, "-mcpu=cortex-m4", "-mthumb", "-O2", f"-I{RUNTIME}", "-c"]
    subprocess.run([*command, str(RUNTIME / "ppg_winograd.c"), "-o", str(target)], check=True, timeout=60)
    text = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "--disassemble=multiply_tiles", str(target)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    lines = re.findall(r"^ +([0-9a-f]+):\t[0-9a-f ]+\t(\S+)(?:\t(.*))?$", text, re.MULTILINE)
    code = [(int(address, 16), name.split(".")[0], operands) for address, name, operands in lines]
    inside = _on_loops(code)
    # The products of six slots with 16 pairs each, and the transform's loop.
    assert sum(name == "smlad" for _, name, _ in inside) == 6 * 16 * 8 - 16
    assert sum(name == "sxtab16" for _, name, _ in inside) == 12
    assert [entry for entry in inside if "sp" in entry[2] or entry[1] in ("push", "pop")] == []


def _on_loops(code: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """Instructions that a loop runs through: what is left when those without a way in or a way out are taken away."""
    following: dict[int, set[int]] = {}
    for number, (address, name, operands) in enumerate(code):
        target = re.search(r"\b([0-9a-f]+) <", operands)
        leaves = name == "b" or "pc}" in operands
        following[address] = set() if leaves or number + 1 == len(code) else {code[number + 1][0]}
        if target and name != "bl":
            following[address].add(int(target[1], 16))
    while True:
        entered = set().union(*following.values())
        kept = {
            address: targets & following.keys()
            for address, targets in following.items()
            if address in entered and targets & following.keys()
        }
        if kept.keys() == following.keys():
            return [entry for entry in code if entry[0] in kept]
        following = kept
