"""Convolutions for the Kronecker kernel, and a way to have it chosen wherever it can be."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, Padding
from tests.support.compile_networks import NetworkBuilder
from tests.support.forced_kernels import force


def force_kronecker(patch: pytest.MonkeyPatch) -> None:
    """Choose a Kronecker kernel wherever one matches."""
    force(patch, "conv_kronecker", "conv_kronecker_wide")


def random_convolution(seed: int) -> Graph:
    """One convolution of kernel (1, k) with any stride, dilation, padding, width and activation."""
    rng = np.random.default_rng(seed)
    kernel, dilation = int(rng.integers(2, 10)), int(rng.integers(1, 6))
    stride = min(int(rng.integers(1, 4)), kernel)
    padding = Padding.SAME if rng.random() < 0.7 else Padding.VALID
    columns = int(rng.integers(1, 60)) + ((kernel - 1) * dilation if padding is Padding.VALID else 0)
    shape = (1, int(rng.integers(1, 4)), columns, int(rng.integers(1, 14)))
    net = NetworkBuilder(seed, shape, int(rng.choice([-128, 0, 127, 5])))
    source = net.input
    if rng.random() < 0.3:
        source = net.pad(source, ((0, 0), (0, 0), (int(rng.integers(0, 9)), int(rng.integers(0, 9))), (0, 0)))
        padding = Padding.SAME if columns < (kernel - 1) * dilation + 1 else Padding.VALID
    output = net.convolution(
        source,
        2 * int(rng.integers(1, 5)),
        (1, kernel),
        stride=(1, stride),
        dilation=(1, dilation),
        padding=padding,
        activation=rng.choice([Activation.NONE, Activation.RELU, Activation.RELU6]),
        zero=int(rng.choice([-128, -128, 3])),
        gain=float(rng.choice([1.0, 3.0, 0.2])),
        per_channel=bool(rng.random() < 0.8),
    )
    return net.graph(output)


def trained_like(
    seed: int,
    shape: tuple[int, int, int],
    channels: int,
    kernel: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    activation: Activation = Activation.RELU,
) -> Graph:
    """One layer (rows, columns, input channels) with long-tailed weights, as training leaves them."""
    net = NetworkBuilder(seed, (1, *shape), -128)
    output = net.convolution(
        net.input,
        channels,
        (1, kernel),
        stride=(1, stride),
        dilation=(1, dilation),
        activation=activation,
        zero=-128 if activation is Activation.RELU else 0,
    )
    graph = net.graph(output)
    weights = graph.tensors[graph.operators[0].inputs[1]].data
    assert weights is not None
    drawn = np.random.default_rng(seed).laplace(size=weights.shape)
    weights[...] = np.round(drawn / np.abs(drawn).max(axis=(1, 2, 3), keepdims=True) * 127)
    return graph


def equal_weights(
    weight: int,
    channels: int,
    zero: int,
    bias: tuple[int, int],
    activation: Activation,
    *,
    kernel: int = 8,
    stride: int = 1,
) -> Graph:
    """One layer whose accumulators reach both ends of their range at windows of equal codes."""
    net = NetworkBuilder(weight + 300, (1, 1, 40, channels), zero)
    output = net.convolution(
        net.input, 2, (1, kernel), stride=(1, stride), zero=-128, activation=activation, gain=0.05
    )
    graph = net.graph(output)
    weights, biases = (graph.tensors[name].data for name in graph.operators[0].inputs[1:])
    assert weights is not None
    assert biases is not None
    weights[...] = weight
    biases[...] = bias
    return graph


def large_weights(seed: int, shape: tuple[int, int, int], channels: int, kernel: int, stride: int) -> Graph:
    """One layer (rows, columns, input channels) with weights of 127 and -127 only, and biases of any size."""
    net = NetworkBuilder(seed, (1, *shape), int(np.random.default_rng(seed).choice([-128, 0, 127])))
    output = net.convolution(net.input, channels, (1, kernel), stride=(1, stride), zero=3, gain=0.05)
    graph = net.graph(output)
    weights, biases = (graph.tensors[name].data for name in graph.operators[0].inputs[1:])
    assert weights is not None
    assert biases is not None
    weights[...] = np.random.default_rng(seed).choice([-127, 127], weights.shape)
    biases[...] = np.random.default_rng(seed).integers(-3_000_000, 3_000_000, biases.shape)
    return graph


def windows_at_the_ends(graph: Graph) -> NDArray[np.int8]:
    """Windows in which every output channel, at columns of every remainder, reaches both ends of its range."""
    weights = graph.tensors[graph.operators[0].inputs[1]].data
    assert weights is not None
    _, rows, columns, _ = graph.tensors[graph.inputs[0]].shape
    kernel = weights.shape[2]
    taps = (np.arange(columns) - np.arange(kernel)[:, None]) % kernel
    signs = np.concatenate([np.sign(weights[:, 0]), -np.sign(weights[:, 0])])
    # (channels, first columns, columns, inputs)
    windows = np.where(signs[:, taps] > 0, 127, -128).astype(np.int8)
    return np.repeat(windows.reshape(-1, 1, *windows.shape[2:]), rows, axis=1)
