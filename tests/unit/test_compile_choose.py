"""The choice of kernels: least cycles and price of flash over the whole model, by hand-worked examples."""

import time
from dataclasses import dataclass

import numpy as np
import pytest

import ppg_deploy.compile.kernels
from ppg_deploy.compile import compile_graph
from ppg_deploy.compile.choose import choose_kernels, code_bytes_of
from ppg_deploy.compile.kernels import Array, Code, Kernel
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.steps import CopyStep, Step
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation
from tests.support.compile_networks import NetworkBuilder, pulse_like


@dataclass(frozen=True)
class _Costs:
    cycles: int
    constant_bytes: int


class _Fake(Kernel):
    """Computes the steps that it has costs for, by name."""

    header = "none.h"
    files = ()

    def __init__(self, name: str, code_bytes: int, costs: dict[str, _Costs]) -> None:
        self.name, self.code_bytes, self._costs = name, code_bytes, costs

    def matches(self, step: Step) -> bool:
        return step.name in self._costs

    def code(self, step: Step, in_place: bool) -> Code:
        del in_place
        return Code(
            "none", None, (Array("constants", np.zeros(self._costs[step.name].constant_bytes, np.int8)),)
        )

    def predicted_cycles(self, step: Step) -> int:
        return self._costs[step.name].cycles


def _step(name: str) -> Step:
    return CopyStep(
        operators=(0,), kind="COPY", name=name, inputs=("in",), output=f"{name} out", output_bytes=1
    )


def _chosen(
    monkeypatch: pytest.MonkeyPatch, kernels: tuple[Kernel, ...], steps: str, optimize: Optimize
) -> list[str]:
    monkeypatch.setattr(ppg_deploy.compile.kernels, "KERNELS", kernels)
    return [
        choice.kernel.name
        for choice in choose_kernels([_step(name) for name in steps], optimize.cycles_per_byte)
    ]


# "a" alone: 20,000 cycles for 100 B of constants and 1,000 B of code. At 16 cycles a byte that is 17,600.
SMALL = _Fake("small", 300, {"a": _Costs(100_000, 1000), "b": _Costs(50_000, 1000)})
FAST = _Fake("fast", 1000, {"a": _Costs(80_000, 1100), "b": _Costs(35_000, 1100)})


def test_speed_ignores_flash(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _chosen(monkeypatch, (SMALL, FAST), "ab", Optimize.SPEED) == ["fast", "fast"]


def test_size_takes_the_smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _chosen(monkeypatch, (SMALL, FAST), "ab", Optimize.SIZE) == ["small", "small"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # fast 80,000 + 16 * 2,100 = 113,600; small 100,000 + 16 * 1,300 = 120,800
        ("a", ["fast"]),
        # fast 35,000 + 16 * 2,100 = 68,600; small 50,000 + 16 * 1,300 = 70,800
        ("b", ["fast"]),
    ],
)
def test_balanced_pays_for_code_once(
    monkeypatch: pytest.MonkeyPatch, steps: str, expected: list[str]
) -> None:
    assert _chosen(monkeypatch, (SMALL, FAST), steps, Optimize.BALANCED) == expected


def test_code_that_two_kernels_share_counts_once() -> None:
    first, second = _Fake("first", 1000, {}), _Fake("second", 700, {})
    first.shared_code = second.shared_code = {"common": 400}
    assert code_bytes_of([first]) == 1000
    assert code_bytes_of([first, second, first]) == 600 + 300 + 400


def test_a_kernel_for_one_small_step_does_not_drag_in_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    only_small = _Fake(
        "small", 300, {"a": _Costs(100_000, 1000), "b": _Costs(50_000, 1000), "c": _Costs(1, 1)}
    )
    # "c" needs small's code in any case: fast saves 15,000 cycles for 1,600 (constants) and 16,000 (code).
    assert _chosen(monkeypatch, (only_small, FAST), "bc", Optimize.BALANCED) == ["small", "small"]
    # Both steps together save 35,000 for 3,200 and 16,000.
    assert _chosen(monkeypatch, (only_small, FAST), "abc", Optimize.BALANCED) == ["fast", "fast", "small"]


def test_code_that_is_needed_anyway_is_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    large = _Fake("large", 0, {"a": _Costs(70_000, 3000)})
    bulky = _Fake("bulky", 2000, {"a": _Costs(80_000, 1100), "b": _Costs(35_000, 1100)})
    # large 70,000 + 16 * 3,000 = 118,000; bulky 80,000 + 16 * 1,100 = 97,600, and 32,000 for its code.
    assert _chosen(monkeypatch, (bulky, large), "a", Optimize.BALANCED) == ["large"]
    # Nothing else computes "b".
    assert _chosen(monkeypatch, (bulky, large), "ab", Optimize.BALANCED) == ["bulky", "bulky"]


def _residual(blocks: int) -> Graph:
    """A residual network whose channels double every fourth block, with 1 x 5 convolutions over 200 samples."""
    net = NetworkBuilder(0, (1, 1, 200, 1))
    trunk = net.convolution(net.input, 32, (1, 5), activation=Activation.RELU)
    for block in range(blocks):
        channels, stride = 32 * 2 ** (block // 4), 1 + block % 2
        inner = net.convolution(trunk, channels, (1, 5), stride=(1, stride), activation=Activation.RELU)
        inner = net.convolution(inner, channels, (1, 5))
        is_plain = stride == 1 and net.shape(trunk)[3] == channels
        shortcut = trunk if is_plain else net.convolution(trunk, channels, (1, 1), stride=(1, stride))
        trunk = net.add(inner, shortcut)
    return net.graph(net.dense(trunk, 180))


@pytest.mark.parametrize("optimize", list(Optimize))
def test_twelve_blocks_compile_in_time(optimize: Optimize) -> None:
    graph = _residual(12)
    started = time.process_time()
    compiled = compile_graph(graph, model_sha256="0" * 64, dsp=True, optimize=optimize)
    assert time.process_time() - started < 5.0
    assert len(compiled.operators) >= 40


def test_decisions_agree_with_the_model() -> None:
    compiled = compile_graph(_residual(2), model_sha256="0" * 64, dsp=True)
    decisions = compiled.decisions
    assert [(step.index, step.kernel, step.pieces) for step in decisions.steps] == [
        (operator.index, operator.kernel, operator.pieces) for operator in compiled.operators
    ]
    assert (decisions.macs, decisions.arena_bytes) == (compiled.macs, compiled.arena_bytes)
    assert decisions.constant_bytes == compiled.constants_bytes
    for step in decisions.steps:
        assert step.alternatives[0].kernel in step.kernel
        assert step.why
        assert (step.proof is None) == (step.kind == "ADD")


def test_speed_pays_more_for_flash_when_there_is_little_of_it() -> None:
    graph = pulse_like()
    free = compile_graph(graph, model_sha256="0" * 64, dsp=True, optimize=Optimize.SPEED)
    needed = free.decisions.constant_bytes + free.decisions.code_bytes
    budget = needed * 2 // 3
    tight = compile_graph(
        graph, model_sha256="0" * 64, dsp=True, optimize=Optimize.SPEED, flash_budget=budget
    )
    assert tight.decisions.constant_bytes + tight.decisions.code_bytes <= budget
    assert tight.decisions.cycles_per_byte > 0 == free.decisions.cycles_per_byte
    assert tight.decisions.predicted_cycles > free.decisions.predicted_cycles
