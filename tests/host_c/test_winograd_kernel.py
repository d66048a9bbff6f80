"""The portable form of the Winograd kernel against the TFLM interpreter, byte by byte, under sanitizers."""

import shutil

import pytest

from ppg_deploy.compile.objective import Optimize
from tests.support.against_tflm import compare_graphs_on_host
from tests.support.compile_networks import pulse_like, with_dead_channel
from tests.support.forced_kernels import force
from tests.support.winograd_cases import random_convolution

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.fixture(autouse=True)
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, "conv_winograd")


def test_random_convolutions_equal_tflm() -> None:
    models = compare_graphs_on_host(
        [random_convolution(seed) for seed in range(40)], 12, optimize=Optimize.SPEED
    )
    operators = [operator for compiled in models for operator in compiled.operators]
    mine = [operator for operator in operators if "conv_winograd" in operator.kernel]
    # Convolutions whose requantisation is not proven go to another kernel; most must be proven.
    assert len(mine) >= 60
    assert sum(operator.in_place for operator in mine) >= 2


@pytest.mark.parametrize("ram_budget", [None, 2600])
def test_pulse_like_network_with_a_dead_channel_equals_tflm(ram_budget: int | None) -> None:
    graph = with_dead_channel(pulse_like(columns=64), 1, 3, 0, -(1 << 30) - 874)
    (compiled,) = compare_graphs_on_host([graph], 6, optimize=Optimize.SPEED, ram_budget=ram_budget)
    assert sum("conv_winograd" in operator.kernel for operator in compiled.operators) == 9
