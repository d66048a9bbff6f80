"""Convolutions and dense layers that the direct kernels take, with extreme and odd shapes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, Padding
from tests.support.compile_networks import NetworkBuilder

NAMES = (
    "conv_quads_11",
    "conv_quads_14",
    "conv_quads_any",
    "conv_threes",
    "conv_fives",
    "conv_trios_14",
    "conv_trios_15",
    "conv_trios_signed",
    "dense_wide",
)


def convolution(
    seed: int, shape: tuple[int, ...], channels: int, kernel: tuple[int, int], **options: Any
) -> Graph:
    """One CONV_2D with ReLU, unless options say otherwise."""
    net = NetworkBuilder(seed, shape, options.pop("input_zero", -128))
    options = {"activation": Activation.RELU, "zero": -128, "gain": 2.0} | options
    return net.graph(net.convolution(net.input, channels, kernel, **options))


def dense(seed: int, inputs: int, outputs: int, **options: Any) -> Graph:
    """One FULLY_CONNECTED."""
    net = NetworkBuilder(seed, (1, inputs), options.pop("input_zero", 11))
    return net.graph(net.dense(net.input, outputs, depth=inputs, **options))


def convolutions(seed: int) -> Iterator[Graph]:
    """Few and odd positions and channels, strides, dilations, groups, two dimensions, no activation, wide gains."""
    rng = np.random.default_rng(seed)
    for columns in (1, 2, 3, 4, 5, 17):
        for depth, channels in ((4, 4), (8, 5), (3, 7), (16, 2), (1, 9), (12, 16)):
            kernel = (1, int(rng.integers(1, 6)))
            relu = bool(rng.random() < 0.5)
            options: dict[str, Any] = {
                "stride": (1, int(rng.integers(1, 3))),
                "dilation": (1, int(rng.integers(1, 4))),
                "activation": Activation.RELU if relu else Activation.NONE,
                "zero": -128 if relu else int(rng.integers(-128, 128)),
                "gain": float(rng.choice([0.3, 1.0, 4.0])),
                "input_zero": int(rng.choice([-128, 0, 5, 127])),
            }
            yield convolution(seed + columns, (1, 1, columns, depth), channels, kernel, **options)
    for kernel, groups in (((3, 3), 1), ((4, 1), 1), ((2, 3), 2), ((1, 3), 4)):
        yield convolution(seed, (1, 5, 9, 8), 12, kernel, groups=groups, padding=Padding.SAME)
        yield convolution(seed, (1, 5, 9, 8), 12, kernel, groups=groups, padding=Padding.VALID, zero=3)


_FEW_VALUES = {
    "conv_threes": ((1, (1, 3)), (1, (1, 2)), (3, (1, 1)), (1, (3, 1)), (1, (1, 1))),
    "conv_fives": ((1, (1, 5)), (1, (1, 4)), (5, (1, 1)), (2, (2, 1)), (1, (1, 3))),
}


def fours(seed: int) -> Iterator[Graph]:
    """Channels and windows in fours: single positions in one and several rows, one to three left over, long windows."""
    rng = np.random.default_rng(seed)
    for number, columns in enumerate((1, 2, 3, 4, 5, 6, 7, 16)):
        for depth, channels, kernel in (
            (4, 8, (1, 1)),
            (16, 4, (1, 1)),
            (20, 12, (2, 1)),
            (8, 4, (3, 3)),
            (36, 8, (1, 2)),
        ):
            relu = bool(rng.random() < 0.6)
            options: dict[str, Any] = {
                "stride": (1, 1) if number % 3 else (1, 2),
                "dilation": (1, 1) if number % 2 else (1, 2),
                "activation": Activation.RELU if relu else Activation.NONE,
                "zero": -128 if relu else int(rng.integers(-128, 128)),
                "gain": float(rng.choice([0.7, 1.0, 2.0])),
                "input_zero": int(rng.choice([-128, 0, 5, 127])),
            }
            yield convolution(
                seed + columns, (1, 1 + number % 3, columns, depth), channels, kernel, **options
            )


def first_layers(name: str, seed: int) -> Iterator[Graph]:
    """Windows of few values, rows of up to three stretches."""
    rng = np.random.default_rng(seed)
    for columns in (1, 2, 3, 5, 8, 63, 64, 65, 131):
        for depth, kernel in _FEW_VALUES[name]:
            options: dict[str, Any] = {
                "stride": (1, int(rng.integers(1, 3))),
                "dilation": (1, int(rng.integers(1, 4))),
                "input_zero": int(rng.choice([-128, 0, 3, 127])),
                "activation": Activation.RELU6 if columns == 5 else Activation.RELU,
            }
            channels = 2 * int(rng.integers(1, 5)) + (name == "conv_fives")
            yield convolution(seed + columns, (1, 2, columns, depth), channels, kernel, **options)


def dense_layers(seed: int) -> Iterator[Graph]:
    """One to thirteen outputs, four to seventy-two inputs, all ends of zero points."""
    rng = np.random.default_rng(seed)
    for outputs in range(1, 14):
        inputs = 4 * int(rng.integers(1, 19))
        activation = Activation.RELU if outputs % 3 == 0 else Activation.NONE
        zero = int(rng.choice([-128, -5, 0, 127]))
        input_zero = int(rng.choice([-128, 0, 127]))
        yield dense(seed + outputs, inputs, outputs, activation=activation, zero=zero, input_zero=input_zero)


def cases_of(name: str, seed: int) -> list[Graph]:
    """Graphs of which the kernel takes most."""
    if name == "dense_wide":
        return list(dense_layers(seed))
    if name.startswith("conv_trios"):
        return list(fours(seed))
    return list(first_layers(name, seed) if name in _FEW_VALUES else convolutions(seed))
