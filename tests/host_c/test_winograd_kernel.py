"""The portable form of the Winograd kernel against the TFLM interpreter, byte by byte, under sanitizers."""

import shutil

import numpy as np
import pytest

import ppg_deploy.compile.kernels
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import host_runner
from tests.support.compile_networks import pulse_like, windows_for, with_dead_channel
from tests.support.winograd_cases import ForcedWinograd, random_convolution

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.fixture(autouse=True)
def forced(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = (ForcedWinograd(), *ppg_deploy.compile.kernels.KERNELS)
    monkeypatch.setattr(ppg_deploy.compile.kernels, "KERNELS", kernels)


def test_random_convolutions_equal_tflm() -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    graphs = [random_convolution(seed) for seed in range(40)]
    cases = [(graph, windows_for(graph, number, 12)) for number, graph in enumerate(graphs)]
    used, in_place = 0, 0
    for number, ((graph, windows), (compiled, outputs)) in enumerate(
        zip(cases, host_runner().run(cases, optimize=Optimize.SPEED), strict=True)
    ):
        mine = [operator for operator in compiled.operators if operator.kernel == "conv_winograd"]
        used += len(mine)
        in_place += sum(operator.in_place for operator in mine)
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        wrong = np.flatnonzero((outputs != expected).any(axis=0))
        assert wrong.size == 0, f"seed {number}: {graph.operators}, outputs {wrong[:10]}"
    # Convolutions whose requantisation is not proven go to another kernel; most must be proven.
    assert used >= 60
    assert in_place >= 2


@pytest.mark.parametrize("ram_budget", [None, 2600])
def test_pulse_like_network_with_a_dead_channel_equals_tflm(ram_budget: int | None) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    graph = with_dead_channel(pulse_like(columns=64), 1, 3, 0, -(1 << 30) - 874)
    windows = windows_for(graph, 3, 6)
    ((compiled, outputs),) = host_runner().run(
        [(graph, windows)], optimize=Optimize.SPEED, ram_budget=ram_budget
    )
    assert sum(operator.kernel == "conv_winograd" for operator in compiled.operators) == 9
    np.testing.assert_array_equal(outputs, TflmInterpreter(write_tflite(graph)).run(windows))
