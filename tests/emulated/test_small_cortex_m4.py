"""The assembler of the small operators' kernels on an emulated Cortex-M4: bytes of TFLM, cost per output."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import CompiledForM4, cortex_m4
from tests.support.compile_host import RUNTIME, WARNINGS
from tests.support.compile_networks import NetworkBuilder, windows_for
from tests.support.small_cases import FAMILIES

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNT = 12


def _compare(graph: Graph, count: int = 20) -> CompiledForM4:
    from ppg_deploy.golden.tflm import TflmInterpreter

    windows = windows_for(graph, 3, count)
    loaded = cortex_m4().build(graph)
    expected = TflmInterpreter(write_tflite(graph)).run(windows)
    np.testing.assert_array_equal(loaded.run(windows), expected, err_msg=str(graph.operators))
    return loaded


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    build, kernels = FAMILIES[family]
    seen = {_compare(build(seed)).compiled.operators[-1].kernel for seed in range(7000, 7000 + COUNT)}
    assert seen & kernels


def _cycles_per_output(net: NetworkBuilder, output: str) -> float:
    """Of the last operator."""
    graph = net.graph(output)
    loaded = _compare(graph, 5)
    cost = loaded.cost(windows_for(graph, 3)[3])
    last = loaded.compiled.operators[-1]
    return cost.by_operator[f"ppg_model_op_{last.index:03d}"] / last.output_bytes


def _net(columns: int = 256, channels: int = 16) -> NetworkBuilder:
    return NetworkBuilder(3, (1, 1, columns, channels), 3)


def test_batch_normalisation_meets_its_goal() -> None:
    net = _net()
    assert _cycles_per_output(net, net.depthwise(net.input, 1, (1, 1))) <= 10


@pytest.mark.parametrize(("taps", "goal"), [(3, 14), (5, 18)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_rows_of_depthwise_convolutions_meet_their_goals(taps: int, goal: int, dilation: int) -> None:
    net = _net()
    window = {"dilation": (1, dilation), "zero": -128}
    name = net.depthwise(net.input, 1, (1, taps), activation=Activation.RELU, **window)
    assert _cycles_per_output(net, name) <= goal


@pytest.mark.parametrize(("operation", "goal"), [("add", 10), ("mul", 12)])
def test_operands_of_equal_shapes_meet_their_goals(operation: str, goal: int) -> None:
    net = _net()
    other = net.depthwise(net.input, 1, (1, 1))
    assert _cycles_per_output(net, getattr(net, operation)(net.input, other)) <= goal


@pytest.mark.parametrize(("kind", "columns", "goal"), [(AveragePool2D, 4, 8), (MaxPool2D, 2, 3.5)])
def test_pools_of_columns_meet_their_goals(
    kind: type[AveragePool2D] | type[MaxPool2D], columns: int, goal: float
) -> None:
    net = _net()
    assert _cycles_per_output(net, net.pool(net.input, kind, (1, columns), (1, columns))) <= goal


# Functions in assembler, by their source.
_LOOPS = {
    "ppg_affine": ("four_channels",),
    "ppg_sum": ("eights",),
    "ppg_sum_tables": ("eights",),
    "ppg_product": ("fours",),
    "ppg_depthwise_rows": ("three_taps", "three_taps_strided", "five_taps", "five_taps_strided"),
    "ppg_depthwise_rows_9": ("three_taps", "three_taps_strided", "five_taps", "five_taps_strided"),
    "ppg_depthwise_3x3": ("stride_1", "stride_2"),
    "ppg_pool_rows": ("average_of_4", "average_of_2", "max_of_2"),
    "ppg_lookup": ("sixteens",),
}


def _listing(source: str, folder: Path) -> dict[str, list[tuple[int, str]]]:
    """(address, instruction) of every function."""
    target = folder / f"{source}.o"
    flags = [*WARNINGS, "-mcpu=cortex-m4", "-mthumb", "-O2", f"-I{RUNTIME}"]
    command = ["arm-none-eabi-gcc", *flags, "-c", str(RUNTIME / f"{source}.c"), "-o", str(target)]
    subprocess.run(command, check=True, timeout=60)
    dump = ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(target)]
    text = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=60).stdout
    functions: dict[str, list[tuple[int, str]]] = {}
    for line in text.splitlines():
        if start := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            functions[start[1]] = []
        elif instruction := re.match(r"\s+([0-9a-f]+):\t(.*)", line):
            functions[next(reversed(functions))].append((int(instruction[1], 16), instruction[2]))
    return functions


def _innermost_loops(code: list[tuple[int, str]]) -> list[list[str]]:
    """Instructions from the target of each backward branch to it, where no other one lies between."""
    backward = []
    for address, text in code:
        branch = re.match(r"b\w*(?:\.[nw])?\t([0-9a-f]+) <", text)
        if branch and int(branch[1], 16) <= address:
            backward.append((int(branch[1], 16), address))
    inner = [
        loop
        for loop in backward
        if not any(other != loop and loop[0] <= other[0] and other[1] <= loop[1] for other in backward)
    ]
    return [[text for address, text in code if first <= address <= last] for first, last in inner]


@pytest.mark.parametrize("source", sorted(_LOOPS))
def test_inner_loops_leave_the_stack_alone(source: str, tmp_path: Path) -> None:
    functions = _listing(source, tmp_path)
    for name in _LOOPS[source]:
        loops = _innermost_loops(functions[name])
        assert loops, name
        for loop in loops:
            assert len(loop) > 10
            assert not [text for text in loop if re.search(r"\bsp\b|push|pop", text)], (name, loop)
