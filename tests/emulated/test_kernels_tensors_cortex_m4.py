"""Data movement, reductions, matrix products and normalisation on an emulated Cortex-M4: same bytes as TFLM."""

import shutil

import numpy as np
import pytest

from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.int8_graphs import random_windows
from tests.support.tensor_cases import FAMILIES

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    for seed in range(700, 706):
        graph = FAMILIES[family](seed)
        windows = random_windows(graph, 6, seed)
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        np.testing.assert_array_equal(cortex_m4().build(graph).run(windows), expected, err_msg=f"seed {seed}")
