"""Quantised networks with int16 activations on the host: every code equal to TFLM's on more than 100 windows."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.compile import CompiledModel
from ppg_deploy.convert import convert_onnx
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import Add, Mul
from ppg_deploy.quantization import calibrate, quantize_graph, quantize_windows
from ppg_deploy.tflite.writer import write_tflite
from tests.support.commands import DEMO
from tests.support.compile_host import host_runner
from tests.support.onnx_networks import residual_network

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


def _compare(graph: Graph, x: NDArray[np.float32]) -> CompiledModel:
    from ppg_deploy.golden.tflm import TflmInterpreter

    quantized = quantize_graph(graph, calibrate(graph, x), activations=DType.INT16)
    codes = quantize_windows(x, quantized.input)
    ((compiled, outputs),) = host_runner().run([(quantized, codes)])
    expected = TflmInterpreter(write_tflite(quantized)).run(codes)
    assert len(np.unique(expected)) > 60
    np.testing.assert_array_equal(outputs.view("<i2"), expected)
    return compiled


def test_residual_network_of_two_blocks(tmp_path: Path) -> None:
    graph = convert_onnx(residual_network(tmp_path / "net.onnx", 2)).graph
    x = np.random.default_rng(5).standard_normal((104, *graph.input.shape[1:])).astype(np.float32)
    compiled = _compare(graph, x)
    assert {"conv16_columns", "depthwise16", "add16", "pool16", "dense16"} == {
        operator.kernel for operator in compiled.operators
    }
    # The 32-bit form is proven for every layer, so none holds biases of 64 bits.
    assert "_biases" not in compiled.files["model_data.c"]


def test_constant_operands_are_int16_as_well() -> None:
    rng = np.random.default_rng(2)
    shape = (1, 1, 30, 4)
    names = ("x", "product", "sum")
    tensors = {name: Tensor(name, shape, DType.FLOAT32) for name in names}
    for name in ("factor", "addend"):
        data = rng.standard_normal((1, 1, 30, 1)).astype(np.float32)
        tensors[name] = Tensor(name, data.shape, DType.FLOAT32, data=data)
    operators = (
        Mul(inputs=("x", "factor"), outputs=("product",)),
        Add(inputs=("product", "addend"), outputs=("sum",)),
    )
    graph = Graph("constants", tensors, operators, ("x",), ("sum",))
    _compare(graph, rng.standard_normal((20, *shape[1:])).astype(np.float32))


def test_pulse_student_on_synthetic_windows() -> None:
    conversion = convert_onnx(DEMO / "student.onnx")
    parts = [np.load(DEMO / name)["x"] for name in ("student.calib.npz", "test.npz")]
    x = conversion.arranged(np.concatenate(parts).astype(np.float32)[:104])
    scaled = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-6)
    compiled = _compare(conversion.graph, scaled.astype(np.float32))
    assert len(x) >= 100
    assert compiled.input_bytes == 2 * conversion.graph.input.size
