"""int8 graphs of activation functions and softmax, with generated quantisation parameters."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph, Quantization
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    Elu,
    FullyConnected,
    Gelu,
    HardSwish,
    LeakyRelu,
    Logistic,
    Mul,
    Relu,
    Relu6,
    Softmax,
    Tanh,
    Unary,
)
from tests.support.int8_graphs import GraphMaker

PROBABILITY = Quantization((1 / 256,), (-128,))
SINE = Quantization((1 / 128,), (0,))
Make = Callable[[int], Graph]


def every_code(graph: Graph, seed: int = 0, rows: int = 4) -> NDArray[np.int8]:
    """Windows in which each position takes all 256 codes over the batch, and all are shuffled differently."""
    rng = np.random.default_rng(seed)
    size = graph.input.size
    windows = np.stack([np.roll(np.arange(-128, 128), position * 37) for position in range(size)], axis=1)
    extra = rng.integers(-128, 128, (rows, size))
    return np.concatenate([windows, extra]).astype(np.int8).reshape(-1, *graph.input.shape[1:])


def _unary(seed: int, operator: type[Unary], output: Quantization | None, **fields: float | bool) -> Graph:
    """One function over 7 values, whose input scale lies anywhere from 3e-4 to 2."""
    maker = GraphMaker(seed)
    source = maker.activation((1, 1, 1, 7), maker.parameters(float(10 ** maker.rng.uniform(-3.5, 0.3))))
    scale = maker.tensors[source].scale * float(10 ** maker.rng.uniform(-1, 1))
    target = maker.activation((1, 1, 1, 7), output or maker.parameters(scale))
    return maker.graph(source, maker.emit(operator(inputs=(source,), outputs=(target,), **fields)))


def relu(seed: int) -> Graph:
    return _unary(seed, Relu, None)


def relu6(seed: int) -> Graph:
    maker = GraphMaker(seed)
    source = maker.activation((1, 1, 1, 7))
    target = maker.activation((1, 1, 1, 7), maker.tensors[source].quantization)
    return maker.graph(source, maker.emit(Relu6(inputs=(source,), outputs=(target,))))


def leaky_relu(seed: int) -> Graph:
    return _unary(seed, LeakyRelu, None, alpha=(0.01, 0.1, 0.3, 1.7, 0.0)[seed % 5])


def elu(seed: int) -> Graph:
    return _unary(seed, Elu, None)


def hard_swish(seed: int) -> Graph:
    return _unary(seed, HardSwish, None)


def logistic(seed: int) -> Graph:
    return _unary(seed, Logistic, PROBABILITY)


def tanh(seed: int) -> Graph:
    return _unary(seed, Tanh, SINE)


def gelu(seed: int) -> Graph:
    return _unary(seed, Gelu, None, approximate=bool(seed % 2))


def softmax(seed: int) -> Graph:
    """Rows of 1 to 60 codes; scales from 'all shares equal' to 'the winner takes all'."""
    maker = GraphMaker(seed)
    shape = (1, int(maker.rng.integers(1, 3)), int(maker.rng.integers(1, 4)), int(maker.rng.integers(1, 61)))
    source = maker.activation(shape, maker.parameters(float(10 ** maker.rng.uniform(-3.5, 0.3))))
    target = maker.activation(shape, PROBABILITY)
    beta = (1.0, 1.0, 0.5, 2.0)[seed % 4]
    return maker.graph(source, maker.emit(Softmax(inputs=(source,), outputs=(target,), beta=beta)))


# TFLM has a kernel for each of these.
FUNCTIONS: dict[str, Make] = {
    "RELU": relu,
    "RELU6": relu6,
    "LEAKY_RELU": leaky_relu,
    "ELU": elu,
    "HARD_SWISH": hard_swish,
    "LOGISTIC": logistic,
    "TANH": tanh,
}


def silu(seed: int) -> Graph:
    """x * LOGISTIC(x) behind a convolution: one table."""
    maker = GraphMaker(seed)
    source, convolved = _convolved(maker)
    gate = maker.activation(maker.tensors[convolved].shape, PROBABILITY)
    maker.emit(Logistic(inputs=(convolved,), outputs=(gate,)))
    scale = maker.tensors[convolved].scale * 0.7
    target = maker.activation(maker.tensors[convolved].shape, maker.parameters(scale))
    return maker.graph(source, maker.emit(Mul(inputs=(convolved, gate), outputs=(target,))))


def scaled_elu(seed: int) -> Graph:
    """ELU, LEAKY_RELU, LEAKY_RELU behind a convolution: one table."""
    maker = GraphMaker(seed)
    source, name = _convolved(maker)
    for operator, fields in ((Elu, {}), (LeakyRelu, {"alpha": 1.6}), (LeakyRelu, {"alpha": 1.0})):
        target = maker.activation(maker.tensors[name].shape, maker.parameters(maker.tensors[name].scale))
        name = maker.emit(operator(inputs=(name,), outputs=(target,), **fields))
    return maker.graph(source, name)


def shared_function(seed: int) -> Graph:
    """TANH whose result is read twice, by its own gate and by a sum with something else: two steps more."""
    maker = GraphMaker(seed)
    source, convolved = _convolved(maker)
    shape = maker.tensors[convolved].shape
    curved = maker.emit(Tanh(inputs=(convolved,), outputs=(maker.activation(shape, SINE),)))
    gate = maker.emit(Logistic(inputs=(curved,), outputs=(maker.activation(shape, PROBABILITY),)))
    product = maker.emit(Mul(inputs=(curved, gate), outputs=(maker.activation(shape, SINE),)))
    _, other = _convolved(maker, source)
    total = maker.emit(Add(inputs=(product, other), outputs=(maker.activation(shape),)))
    return maker.graph(
        source, maker.emit(Add(inputs=(total, curved), outputs=(maker.activation(shape, SINE),)))
    )


def squeeze_and_excitation(seed: int) -> Graph:
    """Mean over time -> dense -> RELU -> dense -> LOGISTIC -> product with every time step."""
    maker = GraphMaker(seed)
    source, convolved = _convolved(maker)
    shape = maker.tensors[convolved].shape
    channels = shape[3]
    mean = maker.activation((1, 1, 1, channels), maker.tensors[convolved].quantization)
    window = {"filter": shape[1:3], "stride": shape[1:3]}
    maker.emit(AveragePool2D(inputs=(convolved,), outputs=(mean,), **window))
    squeezed = _dense(maker, maker.reshaped(mean, (1, channels)), 3, Activation.RELU)
    excited = _dense(maker, squeezed, channels, Activation.NONE)
    gate = maker.activation((1, channels), PROBABILITY)
    maker.emit(Logistic(inputs=(excited,), outputs=(gate,)))
    scale = maker.tensors[convolved].scale
    target = maker.activation(shape, maker.parameters(scale, maker.tensors[convolved].zero_point))
    gated = Mul(inputs=(convolved, maker.reshaped(gate, (1, 1, 1, channels))), outputs=(target,))
    return maker.graph(source, maker.emit(gated))


def _convolved(maker: GraphMaker, source: str | None = None) -> tuple[str, str]:
    """(graph input, convolution of it) with 5 channels over 11 time steps."""
    source = source or maker.activation((1, 1, 11, 3), maker.parameters(0.05))
    weights = maker.weights((5, 1, 1, 3), 0, largest=0.02)
    target = maker.activation((1, 1, 11, 5), maker.parameters(float(maker.rng.uniform(0.02, 0.08))))
    inputs = (source, weights, maker.bias(5, weights, source))
    return source, maker.emit(Conv2D(inputs=inputs, outputs=(target,)))


def _dense(maker: GraphMaker, source: str, outputs: int, activation: Activation) -> str:
    weights = maker.weights((outputs, maker.tensors[source].size), 0, largest=0.02)
    target = maker.activation((1, outputs), maker.parameters(float(maker.rng.uniform(0.02, 0.08))))
    inputs = (source, weights, maker.bias(outputs, weights, source))
    return maker.emit(FullyConnected(inputs=inputs, outputs=(target,), activation=activation))


# Several operators each; TFLM runs them all.
NETWORKS: dict[str, Make] = {
    "silu": silu,
    "scaled elu": scaled_elu,
    "shared function": shared_function,
    "squeeze and excitation": squeeze_and_excitation,
}
