"""Networks with activation functions and squeeze-and-excitation: ONNX -> int8 -> C, same bytes as TFLM."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.compile import CompiledModel
from ppg_deploy.convert import Conversion, check_against_onnxruntime, convert_onnx
from ppg_deploy.golden import open_golden
from ppg_deploy.graph import Graph
from ppg_deploy.quantization.calibration import calibrate
from ppg_deploy.quantization.codes import dequantize_codes, quantize_windows
from ppg_deploy.quantization.quantizer import quantize_graph
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.compile_host import host_runner
from tests.support.onnx_networks import OnnxNetwork

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

Network = Callable[[OnnxNetwork], str]


def _gated(net: OnnxNetwork, x: str, channels: int, gate: str, squeezed: str) -> str:
    """Squeeze-and-excitation."""
    mean = net.add("GlobalAveragePool", x)
    hidden = net.add(squeezed, net.conv(mean, channels, channels // 4, (1,)))
    return net.add("Mul", x, net.add(gate, net.conv(hidden, channels // 4, channels, (1,))))


def _ended(net: OnnxNetwork, x: str, values: int) -> str:
    return net.dense(net.add("Flatten", x), values, 5)


def excited_residual(net: OnnxNetwork) -> str:
    """Residual blocks with a sigmoid gate."""
    x = net.add("Relu", net.conv("x", 4, 16, (5,), pads=[2, 2]))
    for _ in range(2):
        inner = net.add("Relu", net.conv(x, 16, 16, (3,), pads=[1, 1]))
        inner = _gated(net, net.conv(inner, 16, 16, (3,), pads=[1, 1]), 16, "Sigmoid", "Relu")
        x = net.add("Relu", net.add("Add", inner, x))
    return _ended(net, x, 16 * 64)


def mobile(net: OnnxNetwork) -> str:
    """MobileNetV3's block: HardSwish, a depthwise convolution and a hard sigmoid gate."""
    x = net.add("HardSwish", net.conv("x", 4, 16, (3,), strides=[2]))
    wide = net.add("HardSwish", net.conv(x, 16, 32, (1,)))
    deep = net.add("HardSwish", net.conv(wide, 32, 32, (5,), groups=32, pads=[2, 2]))
    gated = _gated(net, deep, 32, "HardSigmoid", "Relu")
    return _ended(net, net.add("Add", net.conv(gated, 32, 16, (1,)), x), 16 * 31)


def exponential(net: OnnxNetwork) -> str:
    """Grouped convolutions with ELU, the second one with a slope of its own."""
    x = net.add("Elu", net.conv("x", 4, 16, (5,), groups=4))
    x = net.add("AveragePool", x, kernel_shape=[2], strides=[2])
    x = net.add("Elu", net.conv(x, 16, 24, (3,)), alpha=1.673)
    return _ended(net, x, 24 * 28)


def curved(net: OnnxNetwork) -> str:
    """Sigmoid linear units, hyperbolic tangent, leaky ReLU and a softmax over channels."""
    x = net.conv("x", 4, 16, (5,))
    x = net.add("Mul", x, net.add("Sigmoid", x))
    x = net.add("Tanh", net.conv(x, 16, 16, (3,)))
    x = net.add("LeakyRelu", net.conv(x, 16, 16, (3,)), alpha=0.1)
    x = net.add("Softmax", net.conv(x, 16, 12, (1,)), axis=1)
    return _ended(net, x, 12 * 56)


def hard_gate(net: OnnxNetwork) -> str:
    """A hard sigmoid behind a sum, where its scaling cannot fold into a convolution."""
    total = net.add("Add", net.conv("x", 4, 8, (5,)), net.conv("x", 4, 8, (5,)))
    return _ended(net, net.conv(net.add("HardSigmoid", total, alpha=0.3, beta=0.4), 8, 8, (3,)), 8 * 58)


def gaussian(net: OnnxNetwork) -> str:
    """GELU twice."""
    x = net.add("Gelu", net.conv("x", 4, 16, (5,)))
    return _ended(net, net.add("Gelu", net.conv(x, 16, 16, (3,)), approximate="tanh"), 16 * 58)


def _deployed(network: Network, folder: Path) -> tuple[Conversion, Graph, np.ndarray, CompiledModel]:
    """Conversion, int8 graph as its file says, windows, compiled model whose bytes were compared."""
    net = OnnxNetwork((1, 4, 64), seed=3, opset=20)
    conversion = convert_onnx(net.save(folder / "n.onnx", network(net)))
    x = np.random.default_rng(1).standard_normal((120, 4, 64)).astype(np.float32)
    assert check_against_onnxruntime(conversion, x[:20]).relative_error < 1e-4
    graph = quantize_graph(conversion.graph, calibrate(conversion.graph, conversion.arranged(x)))
    content = write_tflite(graph)
    (folder / "n.tflite").write_bytes(content)
    graph = read_tflite(folder / "n.tflite")
    codes = quantize_windows(conversion.arranged(x), graph.input)
    ((compiled, outputs),) = host_runner().run([(graph, codes)])
    golden = open_golden(graph, content)
    assert golden.description.startswith("ppg-deploy" if network is gaussian else "tflite-micro")
    np.testing.assert_array_equal(outputs, golden.run(codes))
    answered = dequantize_codes(outputs, graph.output)
    expected = conversion.onnxruntime_output(x)
    noise = np.square(answered - expected).mean() / np.square(expected - expected.mean(axis=0)).mean()
    # 20 dB between the variation of the answers and their int8 error; a wrong scale would leave 0 dB or less.
    assert noise < 0.01, f"int8 error of {10 * np.log10(noise):.1f} dB"
    return conversion, graph, outputs, compiled


@pytest.mark.parametrize("network", [excited_residual, mobile, exponential, curved, hard_gate, gaussian])
def test_same_bytes_as_the_reference(network: Network, tmp_path: Path) -> None:
    _deployed(network, tmp_path)


def test_elu_costs_a_table_and_no_memory(tmp_path: Path) -> None:
    *_, compiled = _deployed(exponential, tmp_path)
    tables = [operator for operator in compiled.operators if operator.kernel == "lookup"]
    assert [operator.kind for operator in tables] == ["ELU", "LEAKY_RELU"]
    assert all(operator.in_place and operator.constant_bytes == 256 for operator in tables)


def test_equal_scalings_around_a_clamp_are_one_table(tmp_path: Path) -> None:
    _, graph, _, compiled = _deployed(hard_gate, tmp_path)
    assert [operator.kind for operator in graph.operators].count("DEPTHWISE_CONV_2D") == 2
    (table,) = (operator for operator in compiled.operators if operator.kernel == "lookup")
    assert len(table.graph_operators) == 2


def test_fixed_output_scales(tmp_path: Path) -> None:
    _, graph, *_ = _deployed(curved, tmp_path)
    parameters = {operator.kind: graph.tensors[operator.output].quantization for operator in graph.operators}
    for kind, scale, zero in (("LOGISTIC", 1 / 256, -128), ("TANH", 1 / 128, 0), ("SOFTMAX", 1 / 256, -128)):
        quantization = parameters[kind]
        assert quantization is not None
        assert (quantization.scale, quantization.zero_point) == ((scale,), (zero,))
