"""ONNX networks with recurrent layers and causal convolutions, written operator by operator."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper

from tests.support.onnx_networks import OnnxNetwork

GATES = {"LSTM": 4, "GRU": 3}


def lstm(path: Path, **options: Any) -> Path:
    """An LSTM between a strided convolution and a dense layer; see `_recurrent`."""
    return _recurrent("LSTM", path, **options)


def gru(path: Path, **options: Any) -> Path:
    """A GRU between a strided convolution and a dense layer, as torch writes it unless told otherwise."""
    return _recurrent("GRU", path, **{"linear_before_reset": 1, **options})


def _recurrent(
    op_type: str,
    path: Path,
    *,
    output: str = "last",
    steps: int = 12,
    units: int = 10,
    initial: float | None = None,
    **attributes: Any,
) -> Path:
    """`output` says what the dense layer reads: "all" states, the "last" one, their "mean" or the last "cell"."""
    net = OnnxNetwork((1, 3, 4 * steps))
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    x = net.add("Relu", net.conv("x", 3, 6, (4,), strides=[4]))
    x = net.add("Transpose", x, perm=[2, 0, 1])
    rows = GATES[op_type] * units
    inputs = [
        x,
        net.constant(net.rng.normal(0, 0.4, (directions, rows, 6)).astype(np.float32)),
        net.constant(net.rng.normal(0, 0.3, (directions, rows, units)).astype(np.float32)),
        net.constant(net.rng.normal(0, 0.2, (directions, 2 * rows)).astype(np.float32)),
    ]
    if initial is not None:
        inputs += ["", net.constant(np.full((directions, 1, units), initial, np.float32))]
    outputs = ["all", "last", *(["cell"] if op_type == "LSTM" else [])]
    kept = [name if name in (output, "all") or (name, output) == ("all", "mean") else "" for name in outputs]
    node = helper.make_node(op_type, inputs, kept, name="layer", hidden_size=units, **attributes)
    net.nodes.append(node)
    features = directions * units
    if output == "mean":
        value = net.add("ReduceMean", "all", axes=[0], keepdims=0)
    elif output == "all":
        value, features = "all", features * steps
    else:
        value = output
    return net.save(path, net.dense(_flattened(net, value, features), features, 1))


def _flattened(net: OnnxNetwork, value: str, features: int) -> str:
    return net.add("Reshape", value, net.constant(np.array([1, features], np.int64)))


def causal(path: Path, *, normalised: bool) -> Path:
    """Convolutions padded on both sides and chomped at the end, as causal networks are written in PyTorch."""
    net = OnnxNetwork((1, 3, 40))
    x, channels = "x", 3
    for dilation in (1, 2, 4):
        pad = 2 * dilation
        x = net.conv(x, channels, 5, (3,), pads=[pad, pad], dilations=[dilation], strides=[1])
        if normalised:
            x = net.batch_norm(x, 5)
        bounds = [net.constant(np.array([bound], np.int64)) for bound in (0, -pad, 2)]
        x, channels = net.add("Relu", net.add("Slice", x, *bounds)), 5
    x = net.add("GlobalAveragePool", x)
    return net.save(path, net.dense(net.add("Flatten", x), 5, 1))
