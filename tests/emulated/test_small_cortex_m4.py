"""The assembler of the small operators' kernels on an emulated Cortex-M4: bytes of TFLM, cost per output."""

import shutil

import pytest

from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D
from tests.support.against_tflm import compare_on_cortex_m4
from tests.support.compile_networks import NetworkBuilder, windows_for
from tests.support.disassembly import functions_of, innermost_loops
from tests.support.small_cases import FAMILIES

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNT = 12


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    build, kernels = FAMILIES[family]
    seen = {
        compare_on_cortex_m4(build(seed)).compiled.operators[-1].kernel for seed in range(7000, 7000 + COUNT)
    }
    assert seen & kernels


def _cycles_per_output(net: NetworkBuilder, output: str) -> float:
    """Of the last operator."""
    graph = net.graph(output)
    loaded = compare_on_cortex_m4(graph, 5)
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


@pytest.mark.parametrize("source", sorted(_LOOPS))
def test_inner_loops_leave_the_stack_alone(source: str) -> None:
    functions = functions_of(f"{source}.c")
    for name in _LOOPS[source]:
        loops = innermost_loops(functions[name])
        assert loops, name
        for loop in loops:
            assert len(loop) > 10
            assert not [instruction for instruction in loop if instruction.uses_stack], name
