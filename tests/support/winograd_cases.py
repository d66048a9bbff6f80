"""Convolutions that the Winograd kernel can compute."""

import numpy as np

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, Padding
from tests.support.compile_networks import NetworkBuilder

_ZEROS = (-128, 127, 0, None, None)
_ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)


def layer(
    rows: int,
    columns: int,
    depth: int,
    channels: int,
    dilation: int,
    activation: Activation = Activation.RELU,
) -> Graph:
    """One convolution as in the PULSE student."""
    net = NetworkBuilder(1, (1, rows, columns, depth), zero=-128)
    zero = -128 if activation is Activation.RELU else 5
    return net.graph(
        net.convolution(
            net.input, channels, (1, 3), dilation=(1, dilation), activation=activation, zero=zero, gain=2
        )
    )


def random_convolution(seed: int) -> Graph:
    """1 x 3 kernels of any depth and padding, up to four in a row (inner ones may overwrite their input)."""
    rng = np.random.default_rng(seed)

    def pick(*options: object) -> object:
        return options[int(rng.integers(len(options)))]

    depth = int(rng.integers(1, 33)) if rng.random() < 0.4 else 4 * int(rng.integers(1, 9))
    if rng.random() < 0.15:
        depth = int(rng.integers(33, 90))
    columns = int(rng.integers(1, 50))
    shape = (1, int(rng.integers(1, 4)), columns, depth)
    net = NetworkBuilder(seed, shape, pick(*_ZEROS))
    name = net.input
    for _ in range(int(rng.integers(1, 5))):
        dilation = int(rng.integers(1, 6))
        columns = net.shape(name)[2]
        padding = Padding.SAME
        if columns > 2 * dilation and rng.random() < 0.4:
            padding = Padding.VALID
            if rng.random() < 0.5:
                pads = (int(rng.integers(0, 5)), int(rng.integers(0, 5)))
                name = net.pad(name, ((0, 0), (0, 0), pads, (0, 0)))
        name = net.convolution(
            name,
            max(4, depth if rng.random() < 0.6 else int(rng.integers(4, 20))),
            (1, 3),
            dilation=(1, dilation),
            padding=padding,
            activation=pick(*_ACTIVATIONS),
            zero=pick(*_ZEROS),
            per_channel=bool(rng.random() < 0.8),
            with_bias=bool(rng.random() < 0.9),
            gain=float(pick(1.0, 1.0, 3.0, 0.2)),
            spread=float(pick(0.7, 2.0)),
            bias_deviation=float(pick(1e3, 1e5, 1e6)) if rng.random() < 0.3 else None,
        )
    return net.graph(name)
