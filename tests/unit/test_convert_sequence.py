"""Slices, splits, concatenations, LSTMs and GRUs from ONNX: equal to onnxruntime, or refused by name with a way out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from ppg_deploy.convert import Conversion, check_against_onnxruntime, convert_onnx
from ppg_deploy.errors import UnsupportedModelError
from tests.support.onnx_networks import OnnxNetwork
from tests.support.recurrent_networks import causal, gru, lstm

Build = Callable[[OnnxNetwork, str], tuple[str, int]]


def _converted(path: Path) -> Conversion:
    conversion = convert_onnx(path)
    shape = conversion.input_shape[1:]
    x = np.random.default_rng(1).standard_normal((10, *shape)).astype(np.float32)
    assert check_against_onnxruntime(conversion, x).relative_error < 1e-4
    return conversion


def _kinds(conversion: Conversion) -> list[str]:
    return [operator.kind for operator in conversion.graph.operators]


def _numbers(net: OnnxNetwork, *values: int) -> str:
    return net.constant(np.array(values, np.int64))


def _sliced(net: OnnxNetwork, x: str) -> tuple[str, int]:
    bounds = [_numbers(net, 1, -9), _numbers(net, 5, 1000), _numbers(net, 1, 2), _numbers(net, 2, 1)]
    return net.add("Slice", x, *bounds), 2


def _split_and_joined(net: OnnxNetwork, x: str) -> tuple[str, int]:
    sizes = _numbers(net, 1, 3, 2)
    net.nodes.append(helper.make_node("Split", [x, sizes], ["s0", "s1", "s2"], name="split", axis=1))
    return net.add("Concat", "s2", "s0", "s2", axis=1), 5


def _joined_in_time(net: OnnxNetwork, x: str) -> tuple[str, int]:
    return net.add("Concat", x, net.add("Relu", x), x, axis=2), 6


def _padded_by_zeros(net: OnnxNetwork, x: str) -> tuple[str, int]:
    zeros = net.constant(np.zeros((1, 6, 3), np.float32))
    return net.add("Concat", zeros, x, axis=-1), 6


def _gathered(net: OnnxNetwork, x: str) -> tuple[str, int]:
    return net.add("Gather", x, _numbers(net, 1, 3, 5), axis=1), 3


def _many_parts(net: OnnxNetwork, x: str) -> tuple[str, int]:
    return net.add("Concat", *[x] * 23, axis=1), 23 * 6


def _with_sigmoid(net: OnnxNetwork, x: str) -> tuple[str, int]:
    return net.add("Concat", x, net.add("Sigmoid", x), axis=1), 12


@pytest.mark.parametrize(
    "build",
    [
        _sliced,
        _split_and_joined,
        _joined_in_time,
        _padded_by_zeros,
        _gathered,
        _many_parts,
        _with_sigmoid,
    ],
)
def test_between_convolutions(build: Build, tmp_path: Path) -> None:
    net = OnnxNetwork((1, 3, 20))
    output, channels = build(net, net.conv("x", 3, 6, (3,), pads=[1, 1]))
    _converted(net.save(tmp_path / "n.onnx", net.conv(output, channels, 2, (1,))))


def test_parts_of_a_fixed_scale_are_rescaled_before_they_are_joined(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 3, 20))
    output, channels = _with_sigmoid(net, net.conv("x", 3, 6, (3,), pads=[1, 1]))
    kinds = _kinds(_converted(net.save(tmp_path / "n.onnx", net.conv(output, channels, 2, (1,)))))
    assert kinds[kinds.index("LOGISTIC") + 1] == "DEPTHWISE_CONV_2D"


def test_zeros_in_front_become_padding(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 6, 20))
    output, _ = _padded_by_zeros(net, "x")
    conversion = _converted(net.save(tmp_path / "n.onnx", net.conv(output, 6, 2, (4,))))
    assert _kinds(conversion) == ["PAD", "CONV_2D"]


@pytest.mark.parametrize("normalised", [False, True])
def test_chomp_becomes_fewer_pads(normalised: bool, tmp_path: Path) -> None:
    conversion = _converted(causal(tmp_path / "n.onnx", normalised=normalised))
    assert "STRIDED_SLICE" not in _kinds(conversion)
    pads = [operator.pads for operator in conversion.graph.operators if operator.kind == "PAD"]  # type: ignore[attr-defined]
    assert pads == [((0, 0), (0, 0), (2 * dilation, 0), (0, 0)) for dilation in (1, 2, 4)]


@pytest.mark.parametrize(("begin", "end"), [(0, 18), (1, 19), (2, 20), (2, 9), (0, 9), (5, 12)])
def test_any_part_of_a_padded_convolution(begin: int, end: int, tmp_path: Path) -> None:
    net = OnnxNetwork((1, 3, 20))
    x = net.conv("x", 3, 4, (3,), pads=[2, 2], dilations=[2], strides=[1])
    x = net.add("Slice", x, _numbers(net, begin), _numbers(net, end), _numbers(net, 2))
    conversion = _converted(net.save(tmp_path / "n.onnx", net.conv(x, 4, 2, (1,))))
    # What starts behind the pads in front, or ends before the last window could, keeps its slice.
    assert ("STRIDED_SLICE" in _kinds(conversion)) == (begin > 2 or end < 18)


@pytest.mark.parametrize("layer", [lstm, gru])
@pytest.mark.parametrize("output", ["all", "last", "mean"])
def test_recurrent_layers(layer: Callable[..., Path], output: str, tmp_path: Path) -> None:
    conversion = _converted(layer(tmp_path / "n.onnx", output=output))
    if layer is lstm:
        assert _kinds(conversion).count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 1
    elif output == "last":
        assert "CONCATENATION" not in _kinds(conversion)


def test_gru_whose_reset_gate_acts_first(tmp_path: Path) -> None:
    _converted(gru(tmp_path / "n.onnx", linear_before_reset=0))


def test_gru_of_one_step(tmp_path: Path) -> None:
    _converted(gru(tmp_path / "n.onnx", steps=1))


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        (lstm, {"direction": "bidirectional"}, "LSTM .*direction bidirectional"),
        (gru, {"direction": "reverse"}, "GRU .*direction reverse"),
        (lstm, {"clip": 3.0}, "LSTM .*clipped"),
        (lstm, {"input_forget": 1}, "LSTM .*coupled"),
        (lstm, {"activations": ["Sigmoid", "Relu", "Tanh"]}, "LSTM .*activations"),
        (lstm, {"initial": 0.5}, "LSTM .*initial state other than zero"),
        (gru, {"initial": 0.5}, "GRU .*initial state other than zero"),
        (lstm, {"output": "cell"}, "LSTM .*last cell state"),
        (gru, {"steps": 65}, "GRU .*65 steps"),
    ],
)
def test_other_layers_are_refused(
    layer: Callable[..., Path], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedModelError, match=message) as error:
        convert_onnx(layer(tmp_path / "n.onnx", **options))
    assert error.value.hint


def test_backward_slice_is_refused(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 3, 20))
    x = net.conv("x", 3, 4, (3,))
    x = net.add("Slice", x, _numbers(net, -1), _numbers(net, -100), _numbers(net, 2), _numbers(net, -1))
    with pytest.raises(UnsupportedModelError, match=r"Slice .*step -1"):
        convert_onnx(net.save(tmp_path / "n.onnx", net.conv(x, 4, 2, (1,))))


def test_constant_that_is_joined_is_refused(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 3, 20))
    x = net.add("Concat", net.conv("x", 3, 4, (3,)), net.weights(1, 4, 5), axis=2)
    with pytest.raises(UnsupportedModelError, match=r"Concat .*other than zeros"):
        convert_onnx(net.save(tmp_path / "n.onnx", net.conv(x, 4, 2, (1,))))


@pytest.mark.parametrize("cell", ["LSTM", "GRU"])
@pytest.mark.parametrize("batch_first", [True, False])
def test_torch_layers(cell: str, batch_first: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")

    class Student(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.front = torch.nn.Conv1d(4, 6, 5, 4, padding=2)
            self.layer = getattr(torch.nn, cell)(6, 8, num_layers=2, batch_first=batch_first)
            self.out = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            order = (0, 2, 1) if batch_first else (2, 0, 1)
            states, _ = self.layer(torch.relu(self.front(x)).permute(*order))
            return self.out(states[:, -1] if batch_first else states[-1])

    path = tmp_path / "n.onnx"
    torch.onnx.export(
        Student().eval(),
        torch.zeros(1, 4, 48),
        path,
        dynamo=False,
        opset_version=17,
        input_names=["x"],
        dynamic_axes={"x": {0: "n"}},
    )
    _converted(path)
