"""Generated int16x8 graphs: int16 activations with zero point 0, int8 weights, int64 biases."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Padding,
    Reshape,
)
from ppg_deploy.graph.shapes import window_output
from tests.support.int8_graphs import float32

LOWEST, HIGHEST = -(1 << 15), (1 << 15) - 1
# Common standard deviation of uniformly distributed int16 codes, and of int8 weights.
_CODES, _WEIGHTS = 18_900.0, 73.0
# Outputs that fill the range, saturate, or keep only a few codes.
_GAINS = (0.5, 0.5, 1.0, 3.0, 40.0, 1e-3)
_BIAS_DEVIATIONS = (0.0, 0.5, 0.5, 20.0, 3e4)


class Int16Maker:
    """Adds tensors and operators; every method that adds an operator returns its output's name.

    `tame` keeps biases and output scales in the ordinary range, so that a network does not saturate.
    """

    def __init__(self, seed: int, shape: Sequence[int], *, tame: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.tame = tame
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []
        self.input = self.activation(shape, 3e-4)

    def graph(self, output: str) -> Graph:
        """The finished graph."""
        return Graph("generated", self.tensors, tuple(self.operators), (self.input,), (output,))

    def between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def chosen(self, options: Sequence[float]) -> float:
        return options[int(self.rng.integers(len(options)))]

    def fused(self) -> Activation:
        if self.tame:
            return Activation.NONE if self.between(0, 2) else Activation.RELU
        return list(Activation)[int(self.rng.integers(3))]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name].shape

    def _named(self, kind: str, tensor: dict[str, object]) -> str:
        name = f"{kind}{len(self.tensors)}"
        self.tensors[name] = Tensor(name, **tensor)  # type: ignore[arg-type]
        return name

    def activation(self, shape: Sequence[int], scale: float) -> str:
        parameters = Quantization((float32(scale),), (0,))
        return self._named("a", {"shape": tuple(shape), "dtype": DType.INT16, "quantization": parameters})

    def constant(self, shape: Sequence[int], scale: float) -> str:
        codes = self.rng.integers(LOWEST, HIGHEST + 1, shape).astype(np.int16)
        parameters = Quantization((float32(scale),), (0,))
        return self._named(
            "c",
            {"shape": tuple(shape), "dtype": DType.INT16, "quantization": parameters, "data": codes},
        )

    def weighted(
        self, source: str, shape: Sequence[int], axis: int, *, per_channel: bool = True
    ) -> tuple[tuple[str, str, str], float]:
        """(inputs of a weighted operator, a scale for its output)."""
        channels = shape[axis]
        values = int(np.prod(shape)) // channels
        count = channels if per_channel else 1
        scales = tuple(float32(0.01 * value) for value in np.exp(self.rng.uniform(-0.7, 0.7, count)))
        zeros = (0,) * count
        codes = self.rng.integers(-127, 128, shape).astype(np.int8)
        weights = self._named(
            "w",
            {
                "shape": tuple(shape),
                "dtype": DType.INT8,
                "quantization": Quantization(scales, zeros, axis if per_channel else None),
                "data": codes,
            },
        )
        deviation = _CODES * _WEIGHTS * np.sqrt(values)
        spread = 0.3 if self.tame else self.chosen(_BIAS_DEVIATIONS)
        offsets = self.rng.normal(0, deviation * spread, channels).astype(np.int64)
        gain = 1.0 if self.tame else self.chosen(_GAINS)
        input_scale = self.tensors[source].scale
        bias = self._named(
            "b",
            {
                "shape": (channels,),
                "dtype": DType.INT64,
                "quantization": Quantization(
                    tuple(float32(input_scale * scale) for scale in scales), zeros, 0 if per_channel else None
                ),
                "data": offsets,
            },
        )
        return (source, weights, bias), input_scale * 0.01 * deviation / _CODES / gain

    def window(self, rows: int, columns: int, *, dilated: bool = True) -> dict[str, object]:
        """Kernel, stride, dilation, padding and output size that fit an image."""
        while True:
            kernel = (self.between(1, 3), self.between(1, 5))
            stride = (self.between(1, 2), self.between(1, 3))
            dilation = (self.between(1, 2), self.between(1, 4)) if dilated and stride == (1, 1) else (1, 1)
            padding = list(Padding)[self.between(0, 1)]
            out = tuple(
                window_output(size, kernel[axis], stride[axis], dilation[axis], padding)
                for axis, size in enumerate((rows, columns))
            )
            if min(out) >= 1:
                return {
                    "kernel": kernel,
                    "stride": stride,
                    "dilation": dilation,
                    "padding": padding,
                    "out": out,
                }

    def convolution(
        self, source: str, channels: int, window: dict[str, object], *, groups: int = 1, **options: object
    ) -> str:
        kernel, out = window["kernel"], window["out"]
        shape = (channels, *kernel, self.shape(source)[3] // groups)
        inputs, scale = self.weighted(source, shape, 0, **options)
        output = self.activation((1, *out, channels), scale)
        return self._windowed(Conv2D, inputs, output, window)

    def depthwise(self, source: str, multiplier: int, window: dict[str, object]) -> str:
        channels = self.shape(source)[3] * multiplier
        inputs, scale = self.weighted(source, (1, *window["kernel"], channels), 3)
        output = self.activation((1, *window["out"], channels), scale)
        return self._windowed(DepthwiseConv2D, inputs, output, window, depth_multiplier=multiplier)

    def _windowed(
        self,
        kind: type[Operator],
        inputs: tuple[str, ...],
        output: str,
        window: dict[str, object],
        **fields: object,
    ) -> str:
        fields |= {name: window[name] for name in ("stride", "dilation", "padding")}
        return self.emit(kind(inputs=inputs, outputs=(output,), activation=self.fused(), **fields))

    def dense(self, source: str, channels: int, *, positions: int = 1, per_channel: bool = True) -> str:
        depth = self.tensors[source].size // positions
        inputs, scale = self.weighted(source, (channels, depth), 0, per_channel=per_channel)
        output = self.activation((positions, channels), scale)
        return self.emit(FullyConnected(inputs=inputs, outputs=(output,), activation=self.fused()))

    def pool(self, source: str, kind: type[Operator], window: dict[str, object]) -> str:
        tensor = self.tensors[source]
        output = self.activation((1, *window["out"], tensor.shape[3]), tensor.scale)
        return self.emit(
            kind(
                inputs=(source,),
                outputs=(output,),
                filter=window["kernel"],
                stride=window["stride"],
                padding=window["padding"],
                activation=self.fused(),
            )
        )

    def elementwise(self, kind: type[Operator], first: str, second: str, gain: float) -> str:
        scales = self.tensors[first].scale, self.tensors[second].scale
        scale = sum(scales) / gain if kind is Add else scales[0] * scales[1] * 2e4 / gain
        output = self.activation(np.broadcast_shapes(self.shape(first), self.shape(second)), scale)
        return self.emit(kind(inputs=(first, second), outputs=(output,), activation=self.fused()))

    def reshape(self, source: str, shape: Sequence[int]) -> str:
        output = self.activation(shape, self.tensors[source].scale)
        return self.emit(Reshape(inputs=(source,), outputs=(output,)))

    def pad(self, source: str, pads: tuple[tuple[int, int], ...]) -> str:
        tensor = self.tensors[source]
        shape = tuple(size + sum(pair) for size, pair in zip(tensor.shape, pads, strict=True))
        output = self.activation(shape, tensor.scale)
        return self.emit(Pad(inputs=(source,), outputs=(output,), pads=pads))

    def emit(self, operator: Operator) -> str:
        """Append an operator; its output's name."""
        self.operators.append(operator)
        return operator.output


def _image(rng: np.random.Generator, channels: int) -> tuple[int, ...]:
    rows = 1 if rng.integers(2) else int(rng.integers(2, 5))
    return (1, rows, int(rng.integers(1, 40)), channels)


def convolution(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 1, 2, 3]))
    maker = Int16Maker(seed, _image(rng, groups * int(rng.integers(1, 6))))
    _, rows, columns, _ = maker.shape(maker.input)
    return maker.graph(
        maker.convolution(
            maker.input,
            groups * maker.between(1, 6),
            maker.window(rows, columns),
            groups=groups,
            per_channel=bool(rng.integers(4)),
        )
    )


def depthwise(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    maker = Int16Maker(seed, _image(rng, int(rng.integers(1, 9))))
    _, rows, columns, _ = maker.shape(maker.input)
    return maker.graph(maker.depthwise(maker.input, maker.between(1, 3), maker.window(rows, columns)))


def dense(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    maker = Int16Maker(seed, (1, int(rng.integers(1, 70))))
    return maker.graph(maker.dense(maker.input, maker.between(1, 20), per_channel=bool(rng.integers(2))))


def pool(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    maker = Int16Maker(seed, _image(rng, int(rng.integers(1, 6))))
    _, rows, columns, _ = maker.shape(maker.input)
    kind = AveragePool2D if rng.integers(2) else MaxPool2D
    return maker.graph(maker.pool(maker.input, kind, maker.window(rows, columns, dilated=False)))


def elementwise(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    shape = (1, int(rng.integers(1, 3)), int(rng.integers(1, 30)), int(rng.integers(1, 8)))
    maker = Int16Maker(seed, shape)
    sizes = shape if rng.integers(2) else (1, 1, 1, shape[3])
    # Scales from far below to far above the input's.
    scale = 3e-4 * float(10.0 ** rng.integers(-3, 4))
    second = maker.constant(sizes, scale) if rng.integers(4) else maker.input
    pair = (maker.input, second) if rng.integers(2) else (second, maker.input)
    kind = Add if rng.integers(2) else Mul
    return maker.graph(maker.elementwise(kind, *pair, float(rng.choice([0.6, 1.0, 3.0, 0.01, 100.0]))))


def padding(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    maker = Int16Maker(seed, (1, *(int(size) for size in rng.integers(1, 9, 3))))
    pads = ((0, 0), *((int(before), int(after)) for before, after in rng.integers(0, 4, (3, 2))))
    return maker.graph(maker.pad(maker.input, pads))


def network(seed: int) -> Graph:
    """Three to nine operators with residual additions: chances to overwrite dying inputs, and traps."""
    rng = np.random.default_rng(seed)
    maker = Int16Maker(
        seed, (1, int(rng.integers(1, 3)), int(rng.integers(8, 30)), int(rng.integers(1, 7))), tame=True
    )
    alive = [maker.input]
    for _ in range(maker.between(3, 9)):
        source = alive[-1 if maker.between(0, 3) else maker.between(0, len(alive) - 1)]
        twins = [name for name in alive if maker.shape(name) == maker.shape(source) and name != source]
        if twins and maker.between(0, 1):
            alive.append(maker.elementwise(Add, source, twins[-1], 1.0))
        else:
            alive.append(_random_operator(maker, source))
    flat = maker.reshape(alive[-1], (1, maker.tensors[alive[-1]].size))
    return maker.graph(maker.dense(flat, maker.between(1, 5)))


def _random_operator(maker: Int16Maker, source: str) -> str:
    _, rows, columns, channels = maker.shape(source)
    same = {"stride": (1, 1), "dilation": (1, maker.between(1, 3)), "padding": Padding.SAME}
    kernel = (1, maker.between(1, 5))
    choice = maker.between(0, 5)
    if choice <= 1:
        width = channels if maker.between(0, 2) else maker.between(1, 9)
        return maker.convolution(source, width, {**same, "kernel": kernel, "out": (rows, columns)})
    if choice == 2:
        return maker.depthwise(source, 1, {**same, "kernel": kernel, "out": (rows, columns)})
    if choice == 3 and columns >= 4:
        kind = AveragePool2D if maker.between(0, 1) else MaxPool2D
        window = {"kernel": (1, 2), "stride": (1, 2), "padding": Padding.VALID, "out": (rows, columns // 2)}
        return maker.pool(source, kind, window)
    if choice == 4 and columns < 40:
        return maker.pad(source, ((0, 0), (0, 0), (maker.between(0, 2), 1), (0, maker.between(0, 1))))
    return maker.elementwise(Mul, source, maker.constant((channels,), 2e-5), 1.0)


INT16_FAMILIES: dict[str, Callable[[int], Graph]] = {
    "convolution": convolution,
    "depthwise": depthwise,
    "dense": dense,
    "pool": pool,
    "elementwise": elementwise,
    "padding": padding,
    "network": network,
}


def random_int16_windows(graph: Graph, count: int, seed: int = 0) -> NDArray[np.int16]:
    """int16 windows: all lowest, all highest, alternating extremes, then random."""
    rng = np.random.default_rng(seed)
    shape = (count, *graph.input.shape[1:])
    codes = rng.integers(LOWEST, HIGHEST + 1, shape).astype(np.int16)
    codes[0], codes[1] = LOWEST, HIGHEST
    if count > 2:
        codes[2] = rng.choice(np.array([LOWEST, HIGHEST], np.int16), shape[1:])
    return codes
