"""Program: write tests/fuzz/corpus, the small sound models that fuzzing starts from. Weights are random.

The files are kept in the repository: a case number then means the same bytes for ever. Add new ones at the end of
the lists in cases.py; never change old ones.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ppg_deploy.convert import convert_onnx
from ppg_deploy.quantization import calibrate, quantize_graph
from ppg_deploy.tflite import write_tflite
from tests.support.compile_cases import FAMILIES
from tests.support.onnx_networks import OnnxNetwork
from tests.support.tflite_files import OPS, TYPES, small_network

CORPUS = Path(__file__).parent / "corpus"


def rows(path: Path) -> None:
    """Conv2d over rows of modalities, average pools, a convolution across the rows, two dense layers."""
    net = OnnxNetwork((1, 1, 4, 32))
    x = net.conv("x", 1, 4, (1, 3), pads=[0, 2, 0, 2], dilations=[1, 2], strides=[1, 1])
    x = net.add("AveragePool", net.add("Relu", x), kernel_shape=[1, 4], strides=[1, 4])
    x = net.add("Relu", net.conv(x, 4, 6, (4, 1)))
    net.save(path, net.dense(net.dense(net.add("Flatten", x, axis=1), 48, 8), 8, 1))


def residual(path: Path) -> None:
    """Pre-activation residual block with padded maximum pool, batch norms and a mean over time."""
    net = OnnxNetwork((1, 2, 40))
    x = net.add("Relu", net.batch_norm(net.conv("x", 2, 6, (5,), pads=[2, 2]), 6))
    y = net.conv(net.pad(x, [0, 0, 1, 0, 0, 2]), 6, 6, (5,), strides=[2])
    y = net.conv(net.add("Relu", net.batch_norm(y, 6)), 6, 6, (3,), pads=[1, 1])
    shortcut = net.add("MaxPool", x, kernel_shape=[3], strides=[2], pads=[1, 1])
    y = net.add("Relu", net.add("Add", y, shortcut))
    net.save(path, net.dense(net.add("ReduceMean", y, axes=[2], keepdims=0), 6, 5))


def separable(path: Path) -> None:
    """Depthwise and pointwise convolutions, ReLU6, global average pool, dynamic batch."""
    net = OnnxNetwork(("batch", 3, 48))
    x = net.conv("x", 3, 8, (3,), pads=[1, 1], strides=[2])
    low, high = net.constant(np.float32(0).reshape(())), net.constant(np.float32(6).reshape(()))
    x = net.conv(net.add("Clip", x, low, high), 8, 8, (5,), groups=8, pads=[2, 2])
    x = net.add("Clip", net.batch_norm(net.conv(x, 8, 12, (1,)), 12), low, high)
    x = net.add("Relu", net.conv(x, 12, 12, (3,), groups=4, pads=[1, 1]))
    net.save(path, net.dense(net.add("Flatten", net.add("GlobalAveragePool", x), axis=1), 12, 1))


def causal(path: Path) -> None:
    """Causal dilated convolutions between squeezes, transposes and reshapes; arithmetic with constants."""
    net = OnnxNetwork((1, 24, 2))
    x = net.add("Transpose", "x", perm=[0, 2, 1])
    x = net.add("Sub", x, net.constant(np.float32([[[0.5], [1.0]]])))
    x = net.add("Div", x, net.constant(np.float32([2.0]).reshape(())))
    x = net.add("Relu", net.conv(net.pad(x, [0, 0, 4, 0, 0, 0]), 2, 5, (3,), dilations=[2]))
    x = net.add("Mul", x, net.add("Relu", net.conv(x, 5, 5, (1,))))
    x = net.add("Unsqueeze", x, net.constant(np.int64([2])))
    x = net.add("Squeeze", net.add("AveragePool", x, kernel_shape=[1, 24]), net.constant(np.int64([2, 3])))
    x = net.add("Reshape", x, net.constant(np.int64([0, -1])))
    net.save(
        path,
        net.add("Add", net.add("MatMul", x, net.weights(5, 3)), net.constant(np.float32([0.1, 0.2, 0.3]))),
    )


def expectation(path: Path) -> None:
    """Softmax over bins of heart rate, weighted by their centres, inside the model."""
    net = OnnxNetwork((1, 1, 32))
    x = net.add("Relu", net.conv("x", 1, 4, (5,), strides=[2], pads=[2, 2]))
    x = net.add("MaxPool", x, kernel_shape=[2], strides=[2], ceil_mode=1)
    x = net.add("Softmax", net.dense(net.add("Flatten", x, axis=1), 32, 10), axis=-1)
    x = net.add("Mul", x, net.constant(np.arange(40, 140, 10, dtype=np.float32)))
    net.save(path, net.add("ReduceSum", x, net.constant(np.int64([1])), keepdims=0))


def gated(path: Path) -> None:
    """Squeeze-and-excitation, leaky and smooth activations, concatenation and slices."""
    net = OnnxNetwork((1, 2, 32))
    x = net.add("LeakyRelu", net.conv("x", 2, 6, (3,), pads=[1, 1]), alpha=0.1)
    gate = net.conv(net.add("Relu", net.conv(net.add("GlobalAveragePool", x), 6, 3, (1,))), 3, 6, (1,))
    x = net.add("Mul", x, net.add("Sigmoid", gate))
    starts, ends, axes = (net.constant(np.int64([value])) for value in (0, 16, 2))
    x = net.add("Slice", net.add("Concat", x, net.add("Tanh", x), axis=1), starts, ends, axes)
    net.save(path, net.dense(net.add("Flatten", net.add("Elu", x), axis=1), 192, 2))


def recurrent(path: Path) -> None:
    """One LSTM over time."""
    net = OnnxNetwork((1, 20, 3))
    weights = net.constant(net.rng.standard_normal((1, 32, 3)).astype(np.float32) * np.float32(0.3))
    again = net.constant(net.rng.standard_normal((1, 32, 8)).astype(np.float32) * np.float32(0.3))
    bias = net.constant(np.zeros((1, 64), np.float32))
    x = net.add("LSTM", net.add("Transpose", "x", perm=[1, 0, 2]), weights, again, bias, hidden_size=8)
    last = net.add("Gather", x, net.constant(np.int64(19).reshape(())), axis=0)
    net.save(path, net.dense(net.add("Squeeze", last, net.constant(np.int64([0]))), 8, 1))


ONNX: dict[str, Callable[[Path], None]] = {
    "rows": rows,
    "residual": residual,
    "separable": separable,
    "causal": causal,
    "expectation": expectation,
    "gated": gated,
    "recurrent": recurrent,
}
# Students whose quantised file is part of the corpus of .tflite files.
QUANTISED = ("rows", "residual", "separable", "causal")


def main() -> None:
    """Write every file."""
    CORPUS.mkdir(exist_ok=True)
    for name, make in ONNX.items():
        make(CORPUS / f"{name}.onnx")
    for name in QUANTISED:
        graph = convert_onnx(CORPUS / f"{name}.onnx").graph
        x = np.random.default_rng(0).standard_normal((32, *graph.input.shape[1:])).astype(np.float32)
        (CORPUS / f"{name}.tflite").write_bytes(write_tflite(quantize_graph(graph, calibrate(graph, x))))
    for number, (name, make_graph) in enumerate(FAMILIES.items()):
        (CORPUS / f"{name.replace(' ', '-')}.tflite").write_bytes(write_tflite(make_graph(number + 3)))
    (CORPUS / "float.tflite").write_bytes(write_tflite(convert_onnx(CORPUS / "rows.onnx").graph))
    (CORPUS / "stranger.tflite").write_bytes(_stranger())


def _stranger() -> bytes:
    """Operators that our compiler may not have, from another converter: a custom one is still missing."""
    maker, source, output = small_network()
    turned, order = maker.tensor("turned", (1, 6, 8, 1), scale=0.1), np.int32([0, 3, 2, 1])
    axes = maker.tensor("order", (4,), TYPES.INT32, scale=None, data=order)
    maker.operator(OPS.TRANSPOSE, [output, axes], [turned], "Transpose")
    chances = maker.tensor("chances", (1, 6, 8, 1), scale=1 / 256, zero=-128)
    maker.operator(OPS.LOGISTIC, [turned], [chances])
    return maker.content([source], [chances])


if __name__ == "__main__":
    main()
