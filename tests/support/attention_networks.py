"""ONNX spellings of sequences, layer normalisation and attention, operator by operator."""

from pathlib import Path

import numpy as np

from tests.support.onnx_networks import OnnxNetwork

# Published for the teacher of the KD_PULSE repository.
PULSE_TEACHER_PARAMETERS = 131_825


def _shape(net: OnnxNetwork, *sizes: int) -> str:
    return net.constant(np.array(sizes, np.int64))


def sequence(net: OnnxNetwork, channels: int = 6) -> str:
    """(1, L, channels) from the signal (1, 4, L) of the network."""
    return net.add("Transpose", net.conv("x", 4, channels, (3,), pads=[1, 1]), perm=[0, 2, 1])


def layer_norm(net: OnnxNetwork, x: str, features: int) -> str:
    """LayerNormalization of opset 17."""
    scale = net.constant(net.rng.uniform(0.5, 1.5, features).astype(np.float32))
    return net.add("LayerNormalization", x, scale, net.vector(features), axis=-1, epsilon=1e-5)


def layer_norm_of_single_operators(net: OnnxNetwork, x: str, features: int, axis: int = -1) -> str:
    """As exporters before opset 17 spell it."""
    centred = net.add("Sub", x, net.add("ReduceMean", x, axes=[axis], keepdims=1))
    squares = net.add("Pow", centred, net.constant(np.float32(2.0).reshape(())))
    variance = net.add("ReduceMean", squares, axes=[axis], keepdims=1)
    root = net.add("Sqrt", net.add("Add", variance, net.constant(np.float32(1e-5).reshape(()))))
    shape = (features,) if axis == -1 else (features, 1)
    scale = net.constant(net.rng.uniform(0.5, 1.5, shape).astype(np.float32))
    offset = net.constant((0.1 * net.rng.standard_normal(shape)).astype(np.float32))
    return net.add("Add", net.add("Mul", net.add("Div", centred, root), scale), offset)


def attended(
    net: OnnxNetwork,
    x: str,
    heads: int,
    *,
    steps: int = 25,
    features: int = 6,
    packed: bool = False,
    context: tuple[str, int] | None = None,
) -> str:
    """Attention of (1, steps, features) with scaled queries and keys, output projection included.

    `context` is (sequence, steps) of keys and values; the queries' own sequence when absent.
    """
    depth = features // heads
    sources = [(x, steps), *[context or (x, steps)] * 2]
    if packed:
        joint = net.add("MatMul", x, net.weights(features, 3 * features))
        joint = net.add("Reshape", joint, _shape(net, 1, steps, 3, features))
        parts = [
            net.add("Gather", joint, net.constant(np.array(part, np.int64)), axis=2) for part in range(3)
        ]
    else:
        parts = [
            net.add("Add", net.add("MatMul", source, net.weights(features, features)), net.vector(features))
            for source, _ in sources
        ]
    query, key, value = (
        net.add("Reshape", part, _shape(net, 1, count, heads, depth))
        for part, (_, count) in zip(parts, sources, strict=True)
    )
    root = net.constant(np.array([depth**-0.25], np.float32))
    query = net.add("Mul", net.add("Transpose", query, perm=[0, 2, 1, 3]), root)
    key = net.add("Mul", net.add("Transpose", key, perm=[0, 2, 3, 1]), root)
    weights = net.add("Softmax", net.add("MatMul", query, key), axis=-1)
    mixed = net.add("MatMul", weights, net.add("Transpose", value, perm=[0, 2, 1, 3]))
    joined = net.add(
        "Reshape", net.add("Transpose", mixed, perm=[0, 2, 1, 3]), _shape(net, 1, steps, features)
    )
    return net.add("Add", net.add("MatMul", joined, net.weights(features, features)), net.vector(features))


def pulse_teacher(path: Path, seed: int = 0) -> Path:
    """PULSE teacher: 64 tokens of the PPG channel attend to 192 of the accelerometer, 16 features each."""
    net = OnnxNetwork((1, 1, 4, 256), seed)
    x, channels = "x", 1
    for out, pool in ((32, 4), (48, 2), (64, 2)):
        for _ in range(3):
            x = net.add("Relu", net.conv(x, channels, out, (1, 5), dilations=[1, 2], pads=[0, 4, 0, 4]))
            channels = out
        x = net.add("AveragePool", x, kernel_shape=[1, pool], strides=[1, pool])
    ppg = net.add("Gather", x, net.constant(np.array(0, np.int64)), axis=2)
    ppg = net.add("Reshape", ppg, _shape(net, 1, 64, 16))
    others = net.add("Slice", x, *(net.constant(np.array([value], np.int64)) for value in (1, 4, 2)))
    others = net.add("Reshape", others, _shape(net, 1, 192, 16))
    mixed = attended(net, ppg, 4, steps=64, features=16, context=(others, 192))
    x = layer_norm(net, net.add("Add", mixed, ppg), 16)
    x = net.add("Reshape", x, _shape(net, 1, 1024))
    return net.save(path, net.dense(net.dense(x, 1024, 32), 32, 1))
