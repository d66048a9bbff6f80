"""The SIMD path of the int16 kernels on an emulated Cortex-M4: same codes as TFLM, nothing else touched."""

import shutil

import numpy as np
import pytest

from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import cortex_m4
from tests.support.int16_graphs import INT16_FAMILIES, random_int16_windows

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
]
pytest.importorskip("unicorn", reason="needs the emulator extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNTS = {
    "convolution": 20,
    "depthwise": 6,
    "dense": 8,
    "pool": 6,
    "elementwise": 8,
    "padding": 2,
    "network": 10,
}


@pytest.mark.parametrize("family", sorted(INT16_FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    for seed in range(7000, 7000 + COUNTS[family]):
        graph = INT16_FAMILIES[family](seed)
        windows = random_int16_windows(graph, 12, seed)
        answered = cortex_m4().build(graph).run(windows).view("<i2")
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        np.testing.assert_array_equal(answered, expected, err_msg=f"{seed}: {graph.operators}")
