"""Slices, concatenations and LSTMs on an emulated Cortex-M4: same bytes as TFLM."""

import shutil

import numpy as np
import pytest

from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.compile_networks import windows_for
from tests.support.sequence_cases import SEQUENCE_FAMILIES, SequenceBuilder

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.mark.parametrize("family", sorted(SEQUENCE_FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    for seed in range(7000, 7006):
        graph = SEQUENCE_FAMILIES[family](seed)
        windows = windows_for(graph, 3, 12)
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        answered = cortex_m4().build(graph).run(windows)
        np.testing.assert_array_equal(answered, expected, err_msg=str(graph.operators))


def test_lstm_of_64_units_meets_the_cost_goal() -> None:
    net = SequenceBuilder(1, (1, 16, 32))
    graph = net.graph(net.lstm(net.input, 64))
    loaded = cortex_m4().build(graph)
    cost = loaded.cost(windows_for(graph, 3)[5])
    # 4 gates of 64 units over 16 steps: 4 x 64 x (32 + 64) x 16 products.
    assert loaded.compiled.macs == 393_216
    assert cost.cycles / loaded.compiled.macs < 4.5
