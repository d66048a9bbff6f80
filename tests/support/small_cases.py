"""Single-operator models for the kernels of batch normalisation, rows of depthwise convolutions, sums and pools."""

from typing import TypeVar

import numpy as np

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D, Padding
from tests.support.compile_networks import NetworkBuilder

T = TypeVar("T")

_ZEROS = (-128, 127, 0, None, None)
_GAINS = (1.0, 1.0, 1.0, 0.3, 3.0, 0.01, 40.0, 20000.0)
_ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)


def _choose(rng: np.random.Generator, options: tuple[T, ...]) -> T:
    return options[int(rng.integers(len(options)))]


def batch_normalisation(seed: int) -> Graph:
    """A 1 x 1 depthwise convolution of any number of channels."""
    rng = np.random.default_rng(seed)
    shape = (1, int(rng.integers(1, 4)), int(rng.integers(1, 20)), int(rng.integers(1, 21)))
    net = NetworkBuilder(seed, shape, _choose(rng, _ZEROS))
    settings = {"activation": _choose(rng, _ACTIVATIONS), "zero": _choose(rng, _ZEROS)}
    return net.graph(net.depthwise(net.input, 1, (1, 1), gain=_choose(rng, _GAINS), **settings))


def constant_operand(seed: int) -> Graph:
    """ADD or MUL with a constant that repeats; it lies on either side."""
    rng = np.random.default_rng(seed)
    shape = (1, int(rng.integers(1, 4)), int(rng.integers(1, 9)), int(rng.integers(1, 13)))
    net = NetworkBuilder(seed, shape, _choose(rng, _ZEROS))
    kept = int(rng.integers(0, 3))
    sizes = shape[len(shape) - kept :] if kept else (1,)
    constant = net.constant(sizes, 0.05 * float(10.0 ** rng.integers(-2, 3)))
    pair = (net.input, constant) if rng.random() < 0.5 else (constant, net.input)
    gain, activation = float(_choose(rng, (1.0, 3.0, 0.05, 30.0))), _choose(rng, _ACTIVATIONS)
    operation = net.add if rng.random() < 0.5 else net.mul
    return net.graph(operation(*pair, activation=activation, gain=gain))


def equal_shapes(seed: int) -> Graph:
    """ADD or MUL of the input and a depthwise convolution of it, or its pool, which has the same scale."""
    rng = np.random.default_rng(seed)
    shape = (1, 1, int(rng.integers(2, 200)), int(rng.integers(1, 17)))
    net = NetworkBuilder(seed, shape, _choose(rng, _ZEROS))
    if rng.random() < 0.8:
        gain = float(_choose(rng, (1.0, 0.5, 2.0, 0.1, 10.0)))
        other = net.depthwise(net.input, 1, (1, 2), zero=_choose(rng, _ZEROS), gain=gain)
    else:
        other = net.pool(net.input, MaxPool2D, (1, 2), (1, 1), padding=Padding.SAME)
    pair = (net.input, other) if rng.random() < 0.5 else (other, net.input)
    operation = net.add if rng.random() < 0.6 else net.mul
    gain = float(_choose(rng, (1.0, 1.0, 3.0, 0.3)))
    return net.graph(operation(*pair, activation=_choose(rng, _ACTIVATIONS), gain=gain))


def equal_sum(seed: int, columns: int) -> Graph:
    """ADD of two activations of the same shape, (1, columns, 8) codes; a ReLU for odd seeds."""
    net = NetworkBuilder(seed, (1, 1, columns, 8), 3)
    other = net.depthwise(net.input, 1, (1, 2), zero=5)
    pair = (net.input, other) if seed % 3 else (other, net.input)
    return net.graph(net.add(*pair, activation=Activation.RELU if seed % 2 else Activation.NONE))


def depthwise_row(seed: int) -> Graph:
    """Kernels of one row: any dilation at stride 1, stride 2, padding of PAD in front or none; in place sometimes."""
    rng = np.random.default_rng(seed)
    shape = (1, int(rng.integers(1, 4)), int(rng.integers(1, 40)), int(rng.integers(1, 9)))
    net = NetworkBuilder(seed, shape, _choose(rng, _ZEROS))
    taps, stride = int(_choose(rng, (3, 5))), int(_choose(rng, (1, 1, 2)))
    dilation = int(rng.integers(1, 6)) if stride == 1 else 1
    span = (taps - 1) * dilation + 1
    source, padding = net.input, Padding.SAME
    if rng.random() < 0.5:
        needed = max(0, span - shape[2])
        before = int(rng.integers(0, needed + 4))
        after = max(0, needed - before) + int(rng.integers(0, 5))
        padding = Padding.VALID
        source = net.pad(source, ((0, 0), (0, 0), (before, after), (0, 0))) if before + after else source
    elif rng.random() < 0.5:
        source = net.depthwise(source, 1, (1, 1))
    settings = {"activation": _choose(rng, _ACTIVATIONS), "zero": _choose(rng, _ZEROS)}
    gain = float(_choose(rng, (1.0, 1.0, 3.0, 0.1)))
    strides = (int(_choose(rng, (1, 1, 2))), stride)
    window = {"stride": strides, "dilation": (1, dilation), "padding": padding}
    return net.graph(net.depthwise(source, 1, (1, taps), gain=gain, **window, **settings))


def depthwise_image(seed: int) -> Graph:
    """Kernels of 3 x 3 over images of any size."""
    rng = np.random.default_rng(seed)
    shape = (1, *(int(size) for size in rng.integers(3, 14, 2)), int(rng.integers(1, 11)))
    net = NetworkBuilder(seed, shape, _choose(rng, _ZEROS))
    source = net.input if rng.random() < 0.4 else net.depthwise(net.input, 1, (1, 1))
    stride = int(rng.integers(1, 3))
    padding = Padding.SAME if rng.random() < 0.7 else Padding.VALID
    if rng.random() < 0.3:
        pads = tuple((int(low), int(high)) for low, high in rng.integers(0, 4, (2, 2)))
        source, padding = net.pad(source, ((0, 0), *pads, (0, 0))), Padding.VALID
    settings = {"activation": _choose(rng, _ACTIVATIONS), "zero": _choose(rng, _ZEROS)}
    gain = float(_choose(rng, (1.0, 1.0, 3.0, 0.1)))
    name = net.depthwise(source, 1, (3, 3), stride=(stride, stride), padding=padding, gain=gain, **settings)
    return net.graph(name)


def pool_row(seed: int) -> Graph:
    """Windows of 2 or 4 columns, channels that fill words."""
    rng = np.random.default_rng(seed)
    shape = (1, int(rng.integers(1, 4)), int(rng.integers(4, 30)), 4 * int(rng.integers(1, 8)))
    net = NetworkBuilder(seed, shape, _choose(rng, _ZEROS))
    source = net.input if rng.random() < 0.5 else net.depthwise(net.input, 1, (1, 1))
    kind, columns = ((AveragePool2D, 2), (AveragePool2D, 4), (MaxPool2D, 2))[int(rng.integers(3))]
    stride = (int(rng.integers(1, 3)), int(rng.integers(1, 5)))
    return net.graph(net.pool(source, kind, (1, columns), stride, activation=_choose(rng, _ACTIVATIONS)))


def whole_image(seed: int) -> Graph:
    """The average of all positions, from one to more than 16 bits can sum."""
    rng = np.random.default_rng(seed)
    rows, columns = ((1, 1), (1, 7), (3, 5), (1, 252), (5, 51), (1, 300), (2, 600))[int(rng.integers(7))]
    net = NetworkBuilder(seed, (1, rows, columns, int(rng.integers(1, 11))), _choose(rng, _ZEROS))
    activation = _choose(rng, _ACTIVATIONS)
    return net.graph(net.pool(net.input, AveragePool2D, (rows, columns), (1, 1), activation=activation))


# The kernels that must compute the last operator of at least some of a family's models.
FAMILIES = {
    "batch normalisation": (batch_normalisation, {"affine"}),
    "constant operand": (constant_operand, {"affine"}),
    "equal shapes": (equal_shapes, {"sum", "product"}),
    "depthwise row": (depthwise_row, {"depthwise_rows", "depthwise_rows_9"}),
    "depthwise image": (depthwise_image, {"depthwise_3x3"}),
    "pool row": (pool_row, {"pool_rows"}),
    "whole image": (whole_image, {"totals"}),
}
