"""The numpy reference against TFLM's own interpreter, operator by operator, over generated shapes and parameters."""

from collections.abc import Callable

import numpy as np
import pytest

from ppg_deploy.graph import Graph
from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Pad,
    Padding,
)
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.graph.shapes import window_output
from ppg_deploy.tflite import write_tflite
from tests.support.int8_graphs import GraphMaker, random_windows

tflite_micro = pytest.importorskip("tflite_micro", reason="the [golden] extra is not installed")

ACTIVATIONS = list(Activation)
PADDINGS = list(Padding)


def window_attributes(maker: GraphMaker, height: int, width: int) -> dict[str, object]:
    """Random kernel, stride, dilation and padding that fit a signal."""
    rng = maker.rng
    while True:
        kernel = (int(rng.integers(1, 4)), int(rng.integers(1, 6)))
        stride = (int(rng.integers(1, 3)), int(rng.integers(1, 4)))
        dilation = (int(rng.integers(1, 3)), int(rng.integers(1, 5))) if stride == (1, 1) else (1, 1)
        padding = PADDINGS[int(rng.integers(2))]
        out = tuple(
            window_output(size, kernel[axis], stride[axis], dilation[axis], padding)
            for axis, size in enumerate((height, width))
        )
        if min(out) >= 1:
            return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding, "out": out}


def convolution(seed: int) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    height, width = int(rng.integers(1, 5)), int(rng.integers(1, 40))
    groups = int(rng.choice([1, 1, 2, 3]))
    channels, out_channels = groups * int(rng.integers(1, 6)), groups * int(rng.integers(1, 6))
    window = window_attributes(maker, height, width)
    source = maker.activation((1, height, width, channels))
    shape = (out_channels, *window["kernel"], channels // groups)
    weights = maker.weights(shape, 0, largest=float(rng.choice([0.0005, 0.01, 0.3])))
    output = maker.activation((1, *window["out"], out_channels))
    operator = Conv2D(
        inputs=(source, weights, maker.bias(out_channels, weights, source)),
        outputs=(output,),
        stride=window["stride"],
        dilation=window["dilation"],
        padding=window["padding"],
        activation=ACTIVATIONS[int(rng.integers(3))],
    )
    return maker.graph(source, maker.emit(operator))


def depthwise(seed: int) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    height, width = int(rng.integers(1, 5)), int(rng.integers(1, 40))
    channels, multiplier = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    window = window_attributes(maker, height, width)
    source = maker.activation((1, height, width, channels))
    weights = maker.weights((1, *window["kernel"], channels * multiplier), 3)
    output = maker.activation((1, *window["out"], channels * multiplier))
    operator = DepthwiseConv2D(
        inputs=(source, weights, maker.bias(channels * multiplier, weights, source)),
        outputs=(output,),
        depth_multiplier=multiplier,
        stride=window["stride"],
        dilation=window["dilation"],
        padding=window["padding"],
        activation=ACTIVATIONS[int(rng.integers(3))],
    )
    return maker.graph(source, maker.emit(operator))


def dense(seed: int) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    features, outputs = int(rng.integers(1, 70)), int(rng.integers(1, 20))
    source = maker.activation((1, features))
    weights = maker.weights((outputs, features), 0, per_channel=bool(rng.integers(2)))
    output = maker.activation((1, outputs))
    operator = FullyConnected(
        inputs=(source, weights, maker.bias(outputs, weights, source)),
        outputs=(output,),
        activation=ACTIVATIONS[int(rng.integers(3))],
    )
    return maker.graph(source, maker.emit(operator))


def pool(seed: int) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    height, width, channels = int(rng.integers(1, 5)), int(rng.integers(1, 40)), int(rng.integers(1, 6))
    window = window_attributes(maker, height, width)
    kernel, stride, padding = window["kernel"], window["stride"], window["padding"]
    out = tuple(
        window_output(size, kernel[axis], stride[axis], 1, padding)
        for axis, size in enumerate((height, width))
    )
    source = maker.activation((1, height, width, channels))
    output = maker.activation((1, *out, channels), maker.tensors[source].quantization)
    kind = AveragePool2D if rng.integers(2) else MaxPool2D
    operator = kind(
        inputs=(source,),
        outputs=(output,),
        filter=kernel,
        stride=stride,
        padding=padding,
        activation=ACTIVATIONS[int(rng.integers(3))],
    )
    return maker.graph(source, maker.emit(operator))


def elementwise(seed: int) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    shape = (1, 1, int(rng.integers(1, 30)), int(rng.integers(1, 8)))
    source = maker.activation(shape)
    second_shape = shape if rng.integers(2) else (1, 1, 1, shape[3])
    second = maker.constant(second_shape) if rng.integers(2) else source
    output = maker.activation(shape)
    kind = Add if rng.integers(2) else Mul
    activation = ACTIVATIONS[int(rng.integers(3))]
    return maker.graph(
        source, maker.emit(kind(inputs=(source, second), outputs=(output,), activation=activation))
    )


def padding(seed: int) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    shape = tuple(int(size) for size in rng.integers(1, 9, 3))
    pads = ((0, 0), *((int(before), int(after)) for before, after in rng.integers(0, 4, (3, 2))))
    source = maker.activation((1, *shape))
    padded = tuple(size + sum(pair) for size, pair in zip((1, *shape), pads, strict=True))
    output = maker.activation(padded, maker.tensors[source].quantization)
    return maker.graph(source, maker.emit(Pad(inputs=(source,), outputs=(output,), pads=pads)))


@pytest.mark.parametrize("make", [convolution, depthwise, dense, pool, elementwise, padding])
def test_equal_to_tflm(make: Callable[[int], Graph]) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    for seed in range(60):
        graph = make(seed)
        windows = random_windows(graph, 12, seed)
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        answered = run_quantized_output(graph, windows)
        assert np.array_equal(answered, expected), f"seed {seed}: {graph.operators[0]}"


# Worked by hand from gemmlowp's definitions: multiplier 2**30 with shift 0 is one half.
@pytest.mark.parametrize(
    ("value", "multiplier", "shift", "expected"),
    [
        (3, 1 << 30, 0, 2),  # 1.5 rounds up in the high multiply
        (-3, 1 << 30, 0, -1),  # -1.5: gemmlowp's nudge rounds a negative tie up here
        (5, 1 << 30, -1, 2),  # 2.5 -> 3 in the multiply, then 1.5 -> 2: rounding twice
        (-6, 1 << 30, -1, -2),  # -3 exactly, then -1.5 rounds away from zero
        (1, 1 << 30, 3, 4),
        (2**31 - 1, 2**31 - 1, 0, 2**31 - 2),
    ],
)
def test_requantisation_by_hand(value: int, multiplier: int, shift: int, expected: int) -> None:
    answered = multiply_by_quantized_multiplier(np.array([value], np.int64), multiplier, shift)
    assert answered.tolist() == [expected]


def test_multiplier_split_by_hand() -> None:
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(0.5) == (1 << 30, 0)
    assert quantize_multiplier(1.0) == (1 << 30, 1)
    assert quantize_multiplier(0.75 / 8) == (3 << 29, -3)
    # Rounds up to 2**31, which is stored as 2**30 with one more shift.
    assert quantize_multiplier(1.0 - 2.0**-40) == (1 << 30, 1)
    assert quantize_multiplier(2.0**-40) == (0, 0)
