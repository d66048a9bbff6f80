"""PAD of signals with shape (1, length, channels), as TensorFlow writes it, against TFLM's interpreter."""

import shutil

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import Pad
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite import write_tflite
from tests.support.compile_host import SHA256, host_runner

Pads = tuple[tuple[int, int], ...]


def padded(pads: Pads, batch: int = 1) -> Graph:
    quantization = Quantization((0.5,), (-7,))
    shape = (batch, 9, 3)
    target = tuple(size + sum(pair) for size, pair in zip(shape, pads, strict=True))
    tensors = [Tensor("x", shape, DType.INT8, quantization), Tensor("y", target, DType.INT8, quantization)]
    operator = Pad(inputs=("x",), outputs=("y",), pads=pads)
    return Graph("pad", {tensor.name: tensor for tensor in tensors}, (operator,), ("x",), ("y",))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize(
    "pads", [((0, 0), (2, 1), (0, 0)), ((0, 0), (0, 4), (1, 2)), ((0, 0), (0, 0), (0, 0))]
)
def test_three_axes(pads: Pads) -> None:
    pytest.importorskip("tflite_micro")
    graph = padded(pads)
    windows = np.random.default_rng(0).integers(-128, 128, (50, 9, 3)).astype(np.int8)
    expected = TflmInterpreter(write_tflite(graph)).run(windows)
    np.testing.assert_array_equal(run_quantized_output(graph, windows).reshape(50, -1), expected)
    ((_, answers),) = host_runner().run([(graph, windows)])
    np.testing.assert_array_equal(answers, expected)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (padded(((0, 0), (1, 1), (0, 0)), batch=2), "3 axes instead of 4"),
        (padded(((1, 0), (1, 1), (0, 0))), "along the batch axis"),
    ],
)
def test_other_first_axes_are_refused(graph: Graph, message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        compile_graph(graph, model_sha256=SHA256, dsp=False)
