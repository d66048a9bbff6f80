"""Recurrent and causal students all the way: int8 close to float, numpy and compiled C equal to TFLM."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.convert import convert_onnx
from ppg_deploy.graph.float_reference import run_float_output
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.quantization import calibrate, dequantize_codes, quantize_graph, quantize_windows
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.compile_host import host_runner
from tests.support.recurrent_networks import causal, gru, lstm

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

WINDOWS = 100


def _lstm_64(path: Path) -> Path:
    return lstm(path, units=64, steps=16)


def _gru_64(path: Path) -> Path:
    return gru(path, units=64, steps=16)


def _gru_all(path: Path) -> Path:
    return gru(path, output="all")


def _lstm_mean(path: Path) -> Path:
    return lstm(path, output="mean")


def _causal(path: Path) -> Path:
    return causal(path, normalised=True)


@pytest.mark.parametrize("make", [_lstm_64, _gru_64, _gru_all, _lstm_mean, _causal])
def test_whole_way(make: Callable[[Path], Path], tmp_path: Path) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    conversion = convert_onnx(make(tmp_path / "n.onnx"))
    rng = np.random.default_rng(3)
    x = rng.standard_normal((WINDOWS, *conversion.input_shape[1:])).astype(np.float32)
    arranged = conversion.arranged(x)
    graph = quantize_graph(conversion.graph, calibrate(conversion.graph, arranged))
    codes = quantize_windows(arranged, graph.input)
    content = write_tflite(graph)
    expected = TflmInterpreter(content).run(codes)
    np.testing.assert_array_equal(run_quantized_output(graph, codes), expected)
    # The device's code comes from the file, not from the graph in memory.
    path = tmp_path / "n.tflite"
    path.write_bytes(content)
    ((compiled, outputs),) = host_runner().run([(read_tflite(path), codes)])
    np.testing.assert_array_equal(outputs, expected)
    exact = run_float_output(conversion.graph, arranged).reshape(WINDOWS, -1)
    error = dequantize_codes(expected, graph.output) - exact
    # The mean over noise varies little, and the pool keeps the scale of its input: the causal network is the worst.
    assert 10.0 * np.log10(exact.var() / np.square(error).mean()) > (15.0 if make is _causal else 20.0)
    assert len(np.unique(expected)) > 30
    if make is _gru_64:
        # 3 x 64 x (6 + 64) weights, once for all 16 steps, and less than that for everything else.
        assert 13_440 < compiled.constants_bytes < 2 * 13_440
