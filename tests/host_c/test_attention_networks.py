"""Layer normalisation and attention from ONNX to C: the same bytes as TFLM on 120 windows, and honest warnings."""

import math
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from ppg_deploy.convert import check_against_onnxruntime, convert_onnx
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.quantization import (
    QuantizedModel,
    QuantizeInputs,
    calibrate,
    quantize_graph,
    quantize_student,
    quantize_windows,
)
from ppg_deploy.quantization.attention_warnings import sensitive_layers
from ppg_deploy.tflite import write_tflite
from tests.support.attention_networks import (
    PULSE_TEACHER_PARAMETERS,
    attended,
    layer_norm,
    layer_norm_of_single_operators,
    pulse_teacher,
    sequence,
)
from tests.support.compile_host import host_runner
from tests.support.onnx_networks import OnnxNetwork

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

WINDOWS = 120


def _signals(length: int, seed: int = 0) -> NDArray[np.float32]:
    """(120, 4, length): pulses of 0.8 to 3 Hz at 32 Hz under noise, of different strength per window and channel."""
    rng = np.random.default_rng(seed)
    frequency = rng.uniform(0.8, 3.0, (WINDOWS, 1, 1))
    phase, strength = rng.uniform(0, 6, (WINDOWS, 4, 1)), rng.uniform(0.3, 2.0, (WINDOWS, 4, 1))
    pulse = strength * np.sin(2 * np.pi * frequency * np.arange(length) / 32 + phase)
    return (pulse + 0.3 * rng.standard_normal((WINDOWS, 4, length))).astype(np.float32)


def _head(net: OnnxNetwork, x: str, features: int) -> str:
    return net.dense(net.add("ReduceMean", x, axes=[1], keepdims=0), features, 1)


def normalised_network(net: OnnxNetwork) -> str:
    """Two layer normalisations, one in each spelling, around a dense layer per step."""
    x = layer_norm(net, sequence(net, 16), 16)
    x = net.add("Relu", net.add("Add", net.add("MatMul", x, net.weights(16, 16)), net.vector(16)))
    return _head(net, layer_norm_of_single_operators(net, x, 16), 16)


def attention_network(net: OnnxNetwork) -> str:
    """A transformer block: four heads of attention, residuals, layer normalisations, two dense layers per step."""
    x = sequence(net, 16)
    x = layer_norm(net, net.add("Add", x, attended(net, x, 4, steps=32, features=16, packed=True)), 16)
    wide = net.add("Relu", net.add("Add", net.add("MatMul", x, net.weights(16, 32)), net.vector(32)))
    narrow = net.add("Add", net.add("MatMul", wide, net.weights(32, 16)), net.vector(16))
    return _head(net, layer_norm(net, net.add("Add", x, narrow), 16), 16)


def _quantized(folder: Path, net: OnnxNetwork, output: str, x: NDArray[np.float32]) -> QuantizedModel:
    model = net.save(folder / "student.onnx", output)
    np.savez(folder / "windows.npz", x=x)
    inputs = QuantizeInputs(model=model, card=None, card_path=None, calibration=folder / "windows.npz")
    return quantize_student(inputs, folder / "model.tflite")


@needs_gcc
@pytest.mark.parametrize("build", [normalised_network, attention_network], ids=lambda build: build.__name__)
def test_equal_to_tflm(tmp_path: Path, build) -> None:  # type: ignore[no-untyped-def]
    from ppg_deploy.golden.tflm import TflmInterpreter

    x = _signals(32)
    net = OnnxNetwork((1, 4, 32))
    quantized = _quantized(tmp_path, net, build(net), x)
    graph = quantized.graph
    codes = quantize_windows(convert_onnx(tmp_path / "student.onnx").arranged(x), graph.input)
    expected = TflmInterpreter(quantized.tflite).run(codes)
    np.testing.assert_array_equal(run_quantized_output(graph, codes), expected)
    ((_, outputs),) = host_runner().run([(graph, codes)])
    np.testing.assert_array_equal(outputs, expected)
    assert len(np.unique(expected)) > 40
    normalised = [facts for facts in quantized.report.operators if facts.kind == "L2_NORMALIZATION"]
    assert all(facts.sqnr_db is not None and facts.sqnr_db > 25 for facts in normalised)


@needs_gcc
def test_pulse_teacher(tmp_path: Path) -> None:
    """Cross-attention of 64 against 192 tokens; few windows, because each costs 26 million products twice."""
    from ppg_deploy.golden.tflm import TflmInterpreter

    path = pulse_teacher(tmp_path / "teacher.onnx")
    sizes = [math.prod(tensor.dims) for tensor in onnx.load(path).graph.initializer if tensor.data_type == 1]
    assert sum(size for size in sizes if size > 1) + 1 == PULSE_TEACHER_PARAMETERS
    conversion = convert_onnx(path)
    x = np.random.default_rng(4).standard_normal((8, 1, 4, 256)).astype(np.float32)
    assert check_against_onnxruntime(conversion, x).relative_error < 1e-4
    assert total_multiply_accumulates(conversion.graph) == pytest.approx(26.3e6, rel=0.005)
    graph = quantize_graph(conversion.graph, calibrate(conversion.graph, conversion.arranged(x)))
    codes = quantize_windows(conversion.arranged(x), graph.input)
    expected = TflmInterpreter(write_tflite(graph)).run(codes)
    ((_, outputs),) = host_runner().run([(graph, codes)])
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(run_quantized_output(graph, codes), expected)
    (warning,) = (
        text
        for text in sensitive_layers(conversion.graph, graph, conversion.arranged(x))
        if "SOFTMAX" in text
    )
    assert "192" in warning


def test_softmax_over_many_tokens_is_warned_about(tmp_path: Path) -> None:
    """Attention spread evenly over 200 tokens: each probability is 1.28 steps of 1/256."""
    net = OnnxNetwork((1, 4, 200))
    output = _head(net, attended(net, sequence(net, 16), 1, steps=200, features=16), 16)
    quantized = _quantized(tmp_path, net, output, 0.05 * _signals(200))
    (warning,) = (text for text in quantized.report.warnings if "SOFTMAX" in text)
    softmax = next(o for o in quantized.graph.operators if o.kind == "SOFTMAX")
    assert softmax.output in warning
    assert "200" in warning


def test_layer_normalisation_that_int8_destroys_is_refused(tmp_path: Path) -> None:
    """A thousandth of the range in one window, all of it in another: the quiet one has no codes left."""
    net = OnnxNetwork((1, 4, 32))
    x = _signals(32)
    x[1:] *= 2e-3
    embedded = net.add("Conv", "x", net.weights(16, 4, 1), kernel_shape=[1])
    output = _head(net, layer_norm(net, net.add("Transpose", embedded, perm=[0, 2, 1]), 16), 16)
    with pytest.raises(UnsupportedModelError, match="LayerNormalization") as caught:
        _quantized(tmp_path, net, output, x)
    assert "BatchNorm1d" in caught.value.hint
