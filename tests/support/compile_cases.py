"""Single-operator models with unusual parameters, and small random networks."""

import numpy as np

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D, Padding
from ppg_deploy.graph.shapes import window_output
from tests.support.compile_networks import NetworkBuilder, Pair

_ACTIVATIONS = (Activation.NONE, Activation.RELU, Activation.RELU6)
# Common zero points and both ends; None draws any other.
_ZEROS = (-128, 127, 0, None, None)
# Factors from far below one output code to above 1.
_GAINS = (1.0, 1.0, 1.0, 1.0, 3.0, 0.2, 0.01, 1e-6, 40.0, 20000.0)


class _Draw:
    """Random choices."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def of(self, *options: object) -> object:
        return options[int(self.rng.integers(len(options)))]

    def between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def zero(self) -> int | None:
        return _ZEROS[self.between(0, len(_ZEROS) - 1)]

    def gain(self) -> float:
        return _GAINS[self.between(0, len(_GAINS) - 1)]

    def activation(self) -> Activation:
        return _ACTIVATIONS[self.between(0, 2)]

    def yes(self, probability: float = 0.5) -> bool:
        return bool(self.rng.random() < probability)


def _fitting_window(draw: _Draw, rows: int, columns: int) -> tuple[Pair, Pair, Pair, Padding]:
    """Kernel, stride, dilation and padding that leave at least one output."""
    while True:
        kernel = (draw.between(1, 4) if rows > 1 else 1, draw.between(1, 7))
        stride = (draw.between(1, 2), draw.between(1, 3))
        dilation = (draw.between(1, 2), draw.between(1, 5))
        padding = Padding.SAME if draw.yes(0.7) else Padding.VALID
        sizes = (
            window_output(size, kernel[axis], stride[axis], dilation[axis], padding)
            for axis, size in enumerate((rows, columns))
        )
        if min(sizes) >= 1:
            return kernel, stride, dilation, padding


def _image(draw: _Draw, channels: int) -> tuple[int, int, int, int]:
    rows = 1 if draw.yes(0.6) else draw.between(2, 5)
    return (1, rows, draw.between(1, 40), channels)


def convolution(seed: int) -> Graph:
    """CONV_2D."""
    draw = _Draw(seed)
    depth = draw.between(1, 9) if draw.yes() else 4 * draw.between(1, 6)
    groups = draw.between(1, 4) if draw.yes(0.3) else 1
    net = NetworkBuilder(seed, _image(draw, depth * groups), draw.zero())
    _, rows, columns, _ = net.shape(net.input)
    kernel, stride, dilation, padding = _fitting_window(draw, rows, columns)
    output = net.convolution(
        net.input,
        groups * draw.between(1, 9),
        kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        groups=groups,
        activation=draw.activation(),
        zero=draw.zero(),
        per_channel=draw.yes(0.8),
        with_bias=draw.yes(0.9),
        gain=draw.gain(),
        bias_deviation=draw.gain() * 1e5 if draw.yes(0.2) else None,
    )
    return net.graph(output)


def padded_convolution(seed: int) -> Graph:
    """PAD before a VALID convolution or depthwise convolution, which merges both."""
    draw = _Draw(seed)
    net = NetworkBuilder(seed, _image(draw, draw.between(1, 8)), draw.zero())
    pads = (
        (0, 0),
        (draw.between(0, 3), draw.between(0, 2)),
        (draw.between(0, 9), draw.between(0, 9)),
        (0, 0),
    )
    padded = net.pad(net.input, pads)
    _, rows, columns, _ = net.shape(padded)
    kernel, stride, dilation, _ = _fitting_window(draw, rows, columns)
    while any((kernel[axis] - 1) * dilation[axis] + 1 > size for axis, size in enumerate((rows, columns))):
        kernel, stride, dilation, _ = _fitting_window(draw, rows, columns)
    window = {"stride": stride, "dilation": dilation, "padding": Padding.VALID}
    if draw.yes():
        return net.graph(net.convolution(padded, draw.between(1, 6), kernel, **window))
    return net.graph(net.depthwise(padded, draw.between(1, 2), kernel, **window))


def depthwise(seed: int) -> Graph:
    """DEPTHWISE_CONV_2D."""
    draw = _Draw(seed)
    net = NetworkBuilder(seed, _image(draw, draw.between(1, 9)), draw.zero())
    _, rows, columns, _ = net.shape(net.input)
    kernel, stride, dilation, padding = _fitting_window(draw, rows, columns)
    output = net.depthwise(
        net.input,
        draw.between(1, 4),
        kernel,
        stride=stride,
        dilation=dilation,
        padding=padding,
        activation=draw.activation(),
        zero=draw.zero(),
        per_channel=draw.yes(0.8),
        with_bias=draw.yes(0.9),
        gain=draw.gain(),
    )
    return net.graph(output)


def dense(seed: int) -> Graph:
    """FULLY_CONNECTED at one or several positions."""
    draw = _Draw(seed)
    depth = draw.between(1, 70)
    positions = draw.between(2, 9) if draw.yes(0.3) else 1
    net = NetworkBuilder(seed, (1, positions, depth), draw.zero())
    output = net.dense(
        net.input,
        draw.between(1, 11),
        depth=depth,
        activation=draw.activation(),
        zero=draw.zero(),
        per_channel=draw.yes(),
        with_bias=draw.yes(0.9),
        gain=draw.gain(),
    )
    return net.graph(output)


def pool(seed: int) -> Graph:
    """AVERAGE_POOL_2D or MAX_POOL_2D."""
    draw = _Draw(seed)
    net = NetworkBuilder(seed, (1, draw.between(1, 6), draw.between(1, 40), draw.between(1, 13)), draw.zero())
    _, rows, columns, _ = net.shape(net.input)
    kind = AveragePool2D if draw.yes(0.7) else MaxPool2D
    window = (draw.between(1, rows), draw.between(1, columns))
    stride = (draw.between(1, 3), draw.between(1, 4))
    padding = Padding.SAME if draw.yes() else Padding.VALID
    return net.graph(net.pool(net.input, kind, window, stride, padding=padding, activation=draw.activation()))


def elementwise(seed: int) -> Graph:
    """ADD or MUL, with a constant or with the input itself in another form."""
    draw = _Draw(seed)
    shape = (1, draw.between(1, 4), draw.between(1, 9), draw.between(1, 9))
    net = NetworkBuilder(seed, shape, draw.zero())
    if draw.yes(0.3):
        other = net.pool(net.input, AveragePool2D, shape[1:3], (1, 1))
    elif draw.yes(0.2):
        other = net.input
    else:
        sizes = tuple(size if draw.yes(0.7) else 1 for size in shape)
        dropped = draw.between(0, 3) if sizes[0] == 1 else 0
        # Scales from far below to far above the input's.
        other = net.constant(sizes[dropped:], 0.05 * float(10.0 ** draw.between(-3, 3)))
    pair = (net.input, other) if draw.yes() else (other, net.input)
    if draw.yes():
        gain = float(draw.of(1.0, 1.0, 3.0, 0.05, 0.0001, 30.0))
        return net.graph(net.add(*pair, activation=draw.activation(), gain=gain))
    return net.graph(net.mul(*pair, activation=draw.activation(), gain=draw.gain()))


def pad(seed: int) -> Graph:
    """PAD along any axis."""
    draw = _Draw(seed)
    net = NetworkBuilder(seed, (1, draw.between(1, 4), draw.between(1, 20), draw.between(1, 20)), draw.zero())
    amounts = tuple((draw.between(0, 2), draw.between(0, 5)) for _ in range(3))
    return net.graph(net.pad(net.input, ((0, 0), *amounts)))


def network(seed: int) -> Graph:
    """Three to ten operators with residual additions: chances to overwrite dying inputs, and traps."""
    draw = _Draw(seed)
    rows = draw.between(1, 3)
    net = NetworkBuilder(seed, (1, rows, draw.between(6, 30), draw.between(1, 6)), draw.zero())
    alive = [net.input]
    for _ in range(draw.between(3, 10)):
        source = alive[-1] if draw.yes(0.8) else alive[draw.between(0, len(alive) - 1)]
        twins = [name for name in alive if net.shape(name) == net.shape(source) and name != source]
        if twins and draw.yes(0.6):
            alive.append(
                net.add(source, twins[draw.between(0, len(twins) - 1)], activation=draw.activation())
            )
        else:
            alive.append(_random_operator(net, draw, source))
    size = net.tensors[alive[-1]].size
    if draw.yes():
        return net.graph(net.dense(net.reshape(alive[-1], (1, size)), draw.between(1, 5)))
    return net.graph(alive[-1])


def _random_operator(net: NetworkBuilder, draw: _Draw, source: str) -> str:
    _, rows, columns, channels = net.shape(source)
    choice = draw.between(0, 8)
    if choice <= 3:
        same_width = channels if draw.yes(0.6) else draw.between(1, 12)
        dilation = (1, draw.between(1, 3))
        kernel = (1 if draw.yes(0.7) else 2, draw.between(1, 5))
        return net.convolution(source, same_width, kernel, dilation=dilation, activation=draw.activation())
    if choice == 4:
        return net.depthwise(source, 1, (1, 3) if draw.yes() else (1, 1), activation=draw.activation())
    if choice == 5:
        return net.mul(source, net.constant((channels,)))
    if choice == 6 and columns >= 4:
        kind = AveragePool2D if draw.yes() else MaxPool2D
        return net.pool(source, kind, (1, 2), (1, draw.between(1, 2)))
    if choice == 7 and columns < 40:
        return net.pad(
            source, ((0, 0), (0, 0), (draw.between(0, 2), draw.between(0, 2)), (0, draw.between(0, 1)))
        )
    return net.reshape(source, (1, columns, rows, channels))


FAMILIES = {
    "convolution": convolution,
    "padded convolution": padded_convolution,
    "depthwise": depthwise,
    "dense": dense,
    "pool": pool,
    "elementwise": elementwise,
    "pad": pad,
    "network": network,
}
