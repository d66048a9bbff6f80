"""Activation functions in the spellings that exporters write, against onnxruntime."""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy.convert import check_against_onnxruntime, convert_onnx
from ppg_deploy.errors import UnsupportedModelError
from tests.support.onnx_networks import OnnxNetwork

Builder = Callable[[OnnxNetwork, str], str]


def _scalar(net: OnnxNetwork, value: float) -> str:
    return net.constant(np.array(value, np.float32))


def _kinds(path: Path, largest_relative_error: float = 2e-5) -> list[str]:
    """Operators of the converted file, which answers like onnxruntime."""
    conversion = convert_onnx(path)
    rng = np.random.default_rng(5)
    x = (3.0 * rng.standard_normal((6, *conversion.input_shape[1:]))).astype(np.float32)
    assert check_against_onnxruntime(conversion, x).relative_error <= largest_relative_error
    return [operator.kind for operator in conversion.graph.operators]


def _between_convolutions(path: Path, build: Builder, opset: int = 17) -> list[str]:
    net = OnnxNetwork((1, 4, 25), opset=opset)
    curved = build(net, net.conv("x", 4, 6, (3,)))
    kinds = _kinds(net.save(path, net.conv(curved, 6, 2, (3,))))
    assert (kinds[0], kinds[-1]) == ("CONV_2D", "CONV_2D")
    return kinds[1:-1]


def sigmoid(net: OnnxNetwork, x: str) -> str:
    return net.add("Sigmoid", x)


def tanh(net: OnnxNetwork, x: str) -> str:
    return net.add("Tanh", x)


def elu(net: OnnxNetwork, x: str) -> str:
    return net.add("Elu", x)


def elu_alpha(net: OnnxNetwork, x: str) -> str:
    return net.add("Elu", x, alpha=1.673)


def leaky_relu(net: OnnxNetwork, x: str) -> str:
    return net.add("LeakyRelu", x, alpha=0.2)


def prelu(net: OnnxNetwork, x: str) -> str:
    return net.add("PRelu", x, net.constant(np.full((1, 1), 0.25, np.float32)))


def hard_swish(net: OnnxNetwork, x: str) -> str:
    return net.add("HardSwish", x)


def hard_swish_by_hard_sigmoid(net: OnnxNetwork, x: str) -> str:
    return net.add("Mul", net.add("HardSigmoid", x, alpha=1 / 6, beta=0.5), x)


def hard_swish_divided(net: OnnxNetwork, x: str) -> str:
    clipped = net.add("Clip", net.add("Add", x, _scalar(net, 3)), _scalar(net, 0), _scalar(net, 6))
    return net.add("Div", net.add("Mul", x, clipped), _scalar(net, 6))


def hard_swish_divided_first(net: OnnxNetwork, x: str) -> str:
    clipped = net.add("Clip", net.add("Add", _scalar(net, 3), x), _scalar(net, 0), _scalar(net, 6))
    return net.add("Mul", x, net.add("Mul", clipped, _scalar(net, 1 / 6)))


def hard_swish_by_minimum(net: OnnxNetwork, x: str) -> str:
    clipped = net.add("Min", net.add("Relu", net.add("Add", x, _scalar(net, 3))), _scalar(net, 6))
    return net.add("Mul", x, net.add("Div", clipped, _scalar(net, 6)))


def gelu_divided(net: OnnxNetwork, x: str) -> str:
    inner = net.add("Erf", net.add("Div", x, _scalar(net, math.sqrt(2))))
    return net.add("Mul", net.add("Mul", x, net.add("Add", inner, _scalar(net, 1))), _scalar(net, 0.5))


def gelu_multiplied(net: OnnxNetwork, x: str) -> str:
    inner = net.add("Erf", net.add("Mul", x, _scalar(net, math.sqrt(0.5))))
    return net.add("Mul", net.add("Mul", _scalar(net, 0.5), x), net.add("Add", _scalar(net, 1), inner))


def gelu_by_tanh(net: OnnxNetwork, x: str) -> str:
    cubed = net.add("Mul", net.add("Pow", x, _scalar(net, 3)), _scalar(net, 0.044715))
    inner = net.add("Mul", net.add("Add", x, cubed), _scalar(net, math.sqrt(2 / math.pi)))
    gate = net.add("Add", net.add("Tanh", inner), _scalar(net, 1))
    return net.add("Mul", net.add("Mul", x, _scalar(net, 0.5)), gate)


def silu(net: OnnxNetwork, x: str) -> str:
    return net.add("Mul", x, net.add("Sigmoid", x))


def softmax_over_channels(net: OnnxNetwork, x: str) -> str:
    return net.add("Softmax", x, axis=1)


SPELLINGS: list[tuple[Builder, list[str]]] = [
    (sigmoid, ["LOGISTIC"]),
    (tanh, ["TANH"]),
    (elu, ["ELU"]),
    (elu_alpha, ["ELU", "LEAKY_RELU"]),
    (leaky_relu, ["LEAKY_RELU"]),
    (prelu, ["LEAKY_RELU"]),
    (hard_swish, ["HARD_SWISH"]),
    (hard_swish_by_hard_sigmoid, ["HARD_SWISH"]),
    (hard_swish_divided, ["HARD_SWISH"]),
    (hard_swish_divided_first, ["HARD_SWISH"]),
    (hard_swish_by_minimum, ["HARD_SWISH"]),
    (gelu_divided, ["GELU"]),
    (gelu_multiplied, ["GELU"]),
    (gelu_by_tanh, ["GELU"]),
    (silu, ["LOGISTIC", "MUL"]),
    (softmax_over_channels, ["SOFTMAX"]),
]


@pytest.mark.parametrize(("build", "expected"), SPELLINGS, ids=lambda item: getattr(item, "__name__", ""))
def test_spellings(tmp_path: Path, build: Builder, expected: list[str]) -> None:
    assert _between_convolutions(tmp_path / "n.onnx", build) == expected


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_operator_of_opset_20(tmp_path: Path, approximate: str) -> None:
    def gelu(net: OnnxNetwork, x: str) -> str:
        return net.add("Gelu", x, approximate=approximate)

    assert _between_convolutions(tmp_path / "n.onnx", gelu, opset=20) == ["GELU"]


def test_functions_of_a_vector(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25))
    x = net.dense(net.add("Flatten", "x"), 100, 8)
    for build, _ in SPELLINGS:
        x = build(net, x) if build is not softmax_over_channels else net.add("Softmax", x, axis=-1)
    assert _kinds(net.save(tmp_path / "n.onnx", net.dense(x, 8, 3)))


def test_hard_sigmoid_folds_into_the_convolution_in_front(tmp_path: Path) -> None:
    def hard_sigmoid(net: OnnxNetwork, x: str) -> str:
        return net.add("HardSigmoid", x, alpha=0.21, beta=0.4)

    assert _between_convolutions(tmp_path / "n.onnx", hard_sigmoid) == ["DEPTHWISE_CONV_2D"]


def test_almost_gelu_is_not_taken_for_gelu(tmp_path: Path) -> None:
    def stretched(net: OnnxNetwork, x: str) -> str:
        inner = net.add("Erf", net.add("Mul", x, _scalar(net, 0.72)))
        return net.add("Mul", x, net.add("Add", inner, _scalar(net, 1)))

    with pytest.raises(UnsupportedModelError, match="Erf"):
        _between_convolutions(tmp_path / "n.onnx", stretched)


def test_gelu_of_a_scaled_value_keeps_the_scaling(tmp_path: Path) -> None:
    def scaled(net: OnnxNetwork, x: str) -> str:
        return gelu_divided(net, net.add("Mul", x, _scalar(net, 0.5)))

    # The product with 1/2 is folded into the convolution in front.
    assert _between_convolutions(tmp_path / "n.onnx", scaled) == ["GELU"]


def test_prelu_with_a_slope_for_each_channel_is_refused(tmp_path: Path) -> None:
    def slopes(net: OnnxNetwork, x: str) -> str:
        return net.add("PRelu", x, net.constant(np.linspace(0.1, 0.6, 6, dtype=np.float32).reshape(6, 1)))

    with pytest.raises(UnsupportedModelError, match=r"PRelu.*slopes") as error:
        _between_convolutions(tmp_path / "n.onnx", slopes)
    assert "num_parameters=1" in str(error.value.hint)


def test_softmax_of_opset_11_flattens(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 4, 25), opset=11)
    flat = net.add("Flatten", net.add("Softmax", net.conv("x", 4, 6, (3,)), axis=1))
    kinds = _kinds(net.save(tmp_path / "n.onnx", net.dense(flat, 138, 3)))
    assert kinds.count("SOFTMAX") == 1


def _excited(net: OnnxNetwork, x: str, gate: str) -> str:
    """Squeeze-and-excitation over 6 channels by 1x1 convolutions."""
    mean = net.add("GlobalAveragePool", x)
    squeezed = net.add("Relu", net.conv(mean, 6, 2, (1,)))
    return net.add("Mul", x, net.add(gate, net.conv(squeezed, 2, 6, (1,))))


def _excited_by_dense_layers(net: OnnxNetwork, x: str, gate: str) -> str:
    mean = net.add("ReduceMean", x, axes=[2], keepdims=0)
    squeezed = net.add("Relu", net.dense(mean, 6, 2))
    excited = net.add(gate, net.dense(squeezed, 2, 6))
    return net.add("Mul", net.add("Unsqueeze", excited, net.constant(np.array([2], np.int64))), x)


def _excited_with_expand(net: OnnxNetwork, x: str, gate: str) -> str:
    mean = net.add("Flatten", net.add("GlobalAveragePool", x))
    excited = net.add(gate, net.dense(net.add("Relu", net.dense(mean, 6, 2)), 2, 6))
    column = net.add("Reshape", excited, net.constant(np.array([1, 6, 1], np.int64)))
    return net.add("Mul", x, net.add("Expand", column, net.constant(np.array([1, 6, 23], np.int64))))


@pytest.mark.parametrize("gate", ["Sigmoid", "HardSigmoid"])
@pytest.mark.parametrize("build", [_excited, _excited_by_dense_layers, _excited_with_expand])
def test_squeeze_and_excitation(
    tmp_path: Path, build: Callable[[OnnxNetwork, str, str], str], gate: str
) -> None:
    net = OnnxNetwork((1, 4, 25))
    output = net.conv(build(net, net.conv("x", 4, 6, (3,)), gate), 6, 2, (3,))
    kinds = _kinds(net.save(tmp_path / "n.onnx", output))
    assert kinds.count("MUL") == 1
    assert kinds.count("LOGISTIC") == (gate == "Sigmoid")


def _torch_modules() -> list[tuple[Any, list[str]]]:
    from torch import nn

    return [
        (nn.ELU(), ["ELU"]),
        (nn.ELU(0.5), ["ELU", "LEAKY_RELU"]),
        (nn.Hardswish(), ["HARD_SWISH"]),
        (nn.Hardsigmoid(), ["DEPTHWISE_CONV_2D"]),
        (nn.LeakyReLU(0.05), ["LEAKY_RELU"]),
        (nn.PReLU(), ["LEAKY_RELU"]),
        (nn.Sigmoid(), ["LOGISTIC"]),
        (nn.Tanh(), ["TANH"]),
        (nn.SiLU(), ["LOGISTIC", "MUL"]),
        (nn.GELU(), ["GELU"]),
        (nn.GELU(approximate="tanh"), ["GELU"]),
        (nn.Softmax(dim=1), ["SOFTMAX"]),
        (nn.ReLU6(), []),
    ]


_EXPORTERS = [(False, 11), (False, 13), (False, 17), (True, 18), (True, 20), (True, 23)]


@pytest.mark.parametrize(("dynamo", "opset"), _EXPORTERS)
def test_modules_of_torch(tmp_path: Path, dynamo: bool, opset: int) -> None:
    torch = pytest.importorskip("torch", reason="the [train] extra is not installed")
    if dynamo:
        pytest.importorskip("onnxscript", reason="torch's dynamo exporter needs onnxscript")
    torch.manual_seed(1)
    layers, expected = [torch.nn.Conv1d(3, 6, 3)], ["CONV_2D"]
    for module, kinds in _torch_modules():
        layers += [module, torch.nn.Conv1d(6, 6, 1)]
        expected += [*kinds, "CONV_2D"]
    network = torch.nn.Sequential(*layers).eval()
    path = tmp_path / "modules.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.zeros(1, 3, 20),), str(path), opset_version=opset, dynamo=dynamo)
    assert _kinds(path) == expected
