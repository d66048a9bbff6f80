"""The fast kernels under QEMU, the second emulator: generated shapes and extreme inputs, every byte TFLM's.

QEMU checks what unicorn does not, such as the alignment of LDM and LDRD.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.compile import compile_graph
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import SHA256
from tests.support.compile_networks import NetworkBuilder, windows_for

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc"),
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="needs qemu-system-arm"),
]
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

SEEDS = range(5)
FAST = {
    "affine",
    "conv_fives",
    "conv_kronecker",
    "conv_quads",
    "conv_threes",
    "conv_trios",
    "conv_winograd",
    "dense_wide",
    "depthwise_rows",
    "pool_rows",
    "product",
    "sum",
    "totals",
}


def _signal_network(seed: int) -> Graph:
    """Every kernel for signals of one row or several, with shapes of the seed's choice."""
    random = np.random.default_rng(seed)
    relu = {"activation": Activation.RELU, "zero": -128, "gain": 2.0}
    rows, columns = int(random.choice([1, 2, 3])), int(random.integers(37, 61))
    first = int(random.choice([3, 5]))
    net = NetworkBuilder(seed, (1, rows, columns, 1), zero=int(random.integers(-5, 6)))
    name = net.convolution(net.input, 16, (1, first), dilation=(1, int(random.integers(1, 3))), **relu)
    dilation = (1, int(random.integers(1, 5)))
    name = net.convolution(name, int(random.choice([16, 20, 24])), (1, 3), dilation=dilation, **relu)
    wide = net.convolution(name, 16, (1, 5), **relu)
    name = net.add(net.convolution(wide, 16, (1, 1)), wide)
    name = net.mul(name, net.constant((16,)))
    name = net.depthwise(name, 1, (1, int(random.choice([3, 5]))))
    name = net.mul(name, net.convolution(name, 16, (1, 1), gain=2.0, groups=2))
    name = net.pool(name, AveragePool2D, (1, 4), (1, 4))
    name = net.pool(name, MaxPool2D, (1, 2), (1, 2))
    _, rows, columns, _ = net.shape(name)
    total = net.pool(name, AveragePool2D, (rows, columns), (1, 1))
    flat = net.reshape(total, (1, 16))
    return net.graph(net.dense(net.dense(flat, 24), 3))


def test_the_networks_use_every_fast_kernel() -> None:
    used = {
        operator.kernel
        for seed in SEEDS
        for operator in compile_graph(
            _signal_network(seed), model_sha256=SHA256, dsp=True, optimize=Optimize.SPEED
        ).operators
    }
    assert {name for name in FAST if not any(kernel.startswith(name) for kernel in used)} == set()


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_signal_networks(seed: int, tmp_path: Path) -> None:
    graph = _signal_network(seed)
    model = tmp_path / "model.tflite"
    model.write_bytes(write_tflite(graph))
    codes = windows_for(graph, seed, 12).reshape(-1, *graph.input.shape[1:]).copy()
    codes[0], codes[1] = -128, 127
    codes[2] = np.where(np.indices(codes[2].shape).sum(axis=0) % 2, 127, -128)
    windows = ((codes.astype(np.float64) - graph.input.zero_point) * graph.input.scale).astype(np.float32)
    np.savez(tmp_path / "windows.npz", x=windows)
    api.build(board="netduinoplus2", out=tmp_path, model=model, optimize="speed")
    report = api.bench(out=tmp_path, emulator="qemu", data=tmp_path / "windows.npz")
    assert (report.outputs.compared, report.outputs.mismatched) == (len(codes), 0)
