"""Builds int8 graphs with random weights and plausible scales, operator by operator."""

import dataclasses
import math

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

Pair = tuple[int, int]
# Standard deviation of uniformly distributed codes.
_CODE_DEVIATION = 74.0


def single(value: float) -> float:
    """The nearest float32, as a .tflite file stores it."""
    return float(np.float32(value))


class NetworkBuilder:
    """Adds operators one behind the other; every method returns the name of its output tensor.

    `gain` scales the outputs of an operator: 1 spreads them over the int8 range, larger values saturate.
    """

    def __init__(self, seed: int, shape: tuple[int, ...], zero: int | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []
        self.input = self._activation("input", shape, 0.05, zero)

    def graph(self, output: str) -> Graph:
        """The finished graph."""
        return Graph("random network", self.tensors, tuple(self.operators), (self.input,), (output,))

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor."""
        return self.tensors[name].shape

    def _fresh(self, kind: str) -> str:
        return f"{kind}{len(self.tensors)}"

    def _zero(self, zero: int | None) -> int:
        return int(self.rng.integers(-128, 128)) if zero is None else zero

    def _activation(self, kind: str, shape: tuple[int, ...], scale: float, zero: int | None) -> str:
        name = self._fresh(kind)
        quantization = Quantization((single(scale),), (self._zero(zero),))
        self.tensors[name] = Tensor(name, shape, DType.INT8, quantization)
        return name

    def _weights(self, shape: tuple[int, ...], axis: int, per_channel: bool, spread: float) -> str:
        name = self._fresh("weights")
        count = shape[axis] if per_channel else 1
        scales = tuple(single(0.01 * math.exp(self.rng.uniform(-spread, spread))) for _ in range(count))
        quantization = Quantization(scales, (0,) * count, axis if count > 1 else None)
        codes = self.rng.integers(-127, 128, shape).astype(np.int8)
        self.tensors[name] = Tensor(name, shape, DType.INT8, quantization, codes)
        return name

    def _bias(self, source: str, weights: str, channels: int, deviation: float) -> str:
        name = self._fresh("bias")
        weight_scales = self.tensors[weights].quantization
        assert weight_scales is not None
        scales = tuple(single(self.tensors[source].scale * scale) for scale in weight_scales.scale)
        quantization = Quantization(scales, (0,) * len(scales), 0 if len(scales) > 1 else None)
        codes = np.clip(self.rng.normal(0, deviation, channels), -(2**31), 2**31 - 1).astype(np.int32)
        self.tensors[name] = Tensor(name, (channels,), DType.INT32, quantization, codes)
        return name

    def _weighted(
        self,
        source: str,
        weights: str,
        values: int,
        channels: int,
        with_bias: bool,
        gain: float,
        bias_deviation: float | None,
    ) -> tuple[tuple[str, ...], float]:
        """(operator inputs, output scale)."""
        deviation = _CODE_DEVIATION**2 * math.sqrt(values)
        inputs: tuple[str, ...] = (source, weights)
        if with_bias:
            wished = deviation / 2 if bias_deviation is None else bias_deviation
            inputs += (self._bias(source, weights, channels, wished),)
        return inputs, self.tensors[source].scale * 0.01 * deviation / 60 / gain

    def convolution(
        self,
        source: str,
        channels: int,
        kernel: Pair,
        *,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Padding = Padding.SAME,
        groups: int = 1,
        activation: Activation = Activation.NONE,
        zero: int | None = None,
        per_channel: bool = True,
        with_bias: bool = True,
        gain: float = 1.0,
        spread: float = 0.7,
        bias_deviation: float | None = None,
    ) -> str:
        """CONV_2D."""
        _, rows, columns, depth = self.shape(source)
        weights = self._weights((channels, *kernel, depth // groups), 0, per_channel, spread)
        values = kernel[0] * kernel[1] * depth // groups
        inputs, scale = self._weighted(source, weights, values, channels, with_bias, gain, bias_deviation)
        size = (
            window_output(rows, kernel[0], stride[0], dilation[0], padding),
            window_output(columns, kernel[1], stride[1], dilation[1], padding),
        )
        output = self._activation("convolved", (1, *size, channels), scale, zero)
        self.operators.append(
            Conv2D(
                inputs=inputs,
                outputs=(output,),
                stride=stride,
                dilation=dilation,
                padding=padding,
                activation=activation,
            )
        )
        return output

    def depthwise(
        self,
        source: str,
        multiplier: int,
        kernel: Pair,
        *,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Padding = Padding.SAME,
        activation: Activation = Activation.NONE,
        zero: int | None = None,
        per_channel: bool = True,
        with_bias: bool = True,
        gain: float = 1.0,
    ) -> str:
        """DEPTHWISE_CONV_2D."""
        _, rows, columns, depth = self.shape(source)
        channels = depth * multiplier
        weights = self._weights((1, *kernel, channels), 3, per_channel, 0.7)
        inputs, scale = self._weighted(
            source, weights, kernel[0] * kernel[1], channels, with_bias, gain, None
        )
        size = (
            window_output(rows, kernel[0], stride[0], dilation[0], padding),
            window_output(columns, kernel[1], stride[1], dilation[1], padding),
        )
        output = self._activation("depthwise", (1, *size, channels), scale, zero)
        self.operators.append(
            DepthwiseConv2D(
                inputs=inputs,
                outputs=(output,),
                depth_multiplier=multiplier,
                stride=stride,
                dilation=dilation,
                padding=padding,
                activation=activation,
            )
        )
        return output

    def dense(
        self,
        source: str,
        channels: int,
        *,
        depth: int | None = None,
        activation: Activation = Activation.NONE,
        zero: int | None = None,
        per_channel: bool = True,
        with_bias: bool = True,
        gain: float = 1.0,
    ) -> str:
        """FULLY_CONNECTED over the last `depth` values (all by default)."""
        size = self.tensors[source].size
        depth = size if depth is None else depth
        weights = self._weights((channels, depth), 0, per_channel, 0.7)
        inputs, scale = self._weighted(source, weights, depth, channels, with_bias, gain, None)
        output = self._activation("dense", (size // depth, channels), scale, zero)
        self.operators.append(FullyConnected(inputs=inputs, outputs=(output,), activation=activation))
        return output

    def constant(self, shape: tuple[int, ...], scale: float = 0.03) -> str:
        """A constant operand."""
        name = self._activation("constant", shape, scale, None)
        tensor = self.tensors[name]
        codes = self.rng.integers(-128, 128, shape).astype(np.int8)
        self.tensors[name] = Tensor(name, shape, DType.INT8, tensor.quantization, codes)
        return name

    def add(
        self, left: str, right: str, *, activation: Activation = Activation.NONE, gain: float = 1.0
    ) -> str:
        """ADD."""
        shape = np.broadcast_shapes(self.shape(left), self.shape(right))
        scale = (self.tensors[left].scale + self.tensors[right].scale) / gain
        output = self._activation("sum", shape, scale, None)
        self.operators.append(Add(inputs=(left, right), outputs=(output,), activation=activation))
        return output

    def mul(
        self, left: str, right: str, *, activation: Activation = Activation.NONE, gain: float = 1.0
    ) -> str:
        """MUL."""
        shape = np.broadcast_shapes(self.shape(left), self.shape(right))
        scale = self.tensors[left].scale * self.tensors[right].scale * 80 / gain
        output = self._activation("product", shape, scale, None)
        self.operators.append(Mul(inputs=(left, right), outputs=(output,), activation=activation))
        return output

    def pool(
        self,
        source: str,
        kind: type[AveragePool2D] | type[MaxPool2D],
        window: Pair,
        stride: Pair,
        *,
        padding: Padding = Padding.VALID,
        activation: Activation = Activation.NONE,
    ) -> str:
        """AVERAGE_POOL_2D or MAX_POOL_2D."""
        _, rows, columns, channels = self.shape(source)
        size = (
            window_output(rows, window[0], stride[0], 1, padding),
            window_output(columns, window[1], stride[1], 1, padding),
        )
        tensor = self.tensors[source]
        output = self._activation("pooled", (1, *size, channels), tensor.scale, tensor.zero_point)
        self.operators.append(
            kind(
                inputs=(source,),
                outputs=(output,),
                filter=window,
                stride=stride,
                padding=padding,
                activation=activation,
            )
        )
        return output

    def pad(self, source: str, pads: tuple[Pair, ...]) -> str:
        """PAD."""
        tensor = self.tensors[source]
        shape = tuple(size + sum(pair) for size, pair in zip(tensor.shape, pads, strict=True))
        output = self._activation("padded", shape, tensor.scale, tensor.zero_point)
        self.operators.append(Pad(inputs=(source,), outputs=(output,), pads=pads))
        return output

    def reshape(self, source: str, shape: tuple[int, ...]) -> str:
        """RESHAPE."""
        tensor = self.tensors[source]
        output = self._activation("reshaped", shape, tensor.scale, tensor.zero_point)
        self.operators.append(Reshape(inputs=(source,), outputs=(output,)))
        return output


def with_dead_channel(graph: Graph, number: int, channel: int, weight: int, bias: int) -> Graph:
    """The graph with one output channel of convolution `number` as training leaves dead ones behind.

    All its weights are `weight`, with a scale far below every other one's, and its bias is `bias`.
    """
    weights_name, bias_name = graph.operators[number].inputs[1:]
    weights, biases = graph.tensors[weights_name], graph.tensors[bias_name]
    quantization = weights.quantization
    assert quantization is not None
    assert weights.data is not None
    assert biases.data is not None
    scale = tuple(1e-16 if index == channel else value for index, value in enumerate(quantization.scale))
    codes, offsets = weights.data.copy(), biases.data.copy()
    codes[channel], offsets[channel] = weight, bias
    changed = dataclasses.replace(quantization, scale=tuple(single(value) for value in scale))
    tensors = {
        **graph.tensors,
        weights_name: dataclasses.replace(weights, quantization=changed, data=codes),
        bias_name: dataclasses.replace(biases, data=offsets),
    }
    return dataclasses.replace(graph, tensors=tensors)


def windows_for(graph: Graph, seed: int, count: int = 20) -> NDArray[np.int8]:
    """Random codes (count, *input shape without batch), of which the first two are all -128 and all 127."""
    rng = np.random.default_rng(seed)
    windows = rng.integers(-128, 128, (count, *graph.input.shape[1:])).astype(np.int8)
    windows[0] = -128
    windows[1] = 127
    return windows


def pulse_like(seed: int = 1, columns: int = 256) -> Graph:
    """The operators of the PULSE student (3,383,328 multiply-accumulates at 256 columns), random weights."""
    net = NetworkBuilder(seed, (1, 4, columns, 1), zero=3)
    name = net.input
    for channels, dilation, pool in ((16, 2, 4), (24, 3, 4), (32, 4, 2)):
        for _ in range(3):
            name = net.convolution(
                name, channels, (1, 3), dilation=(1, dilation), activation=Activation.RELU, zero=-128, gain=2
            )
        name = net.pool(name, AveragePool2D, (1, pool), (1, pool))
    name = net.convolution(name, 32, (4, 1), padding=Padding.VALID)
    name = net.reshape(name, (1, net.tensors[name].size))
    name = net.dense(name, 32)
    return net.graph(net.dense(name, 1))


def resnet_like(seed: int = 2, columns: int = 200, channels: int = 32, classes: int = 180) -> Graph:
    """A residual network with batch normalisations that stayed MUL and ADD, PAD before a strided convolution."""
    net = NetworkBuilder(seed, (1, 1, columns, 1))
    stem = net.convolution(net.input, channels, (1, 5), activation=Activation.RELU)
    inner = net.convolution(stem, channels, (1, 5), activation=Activation.RELU)
    inner = net.convolution(inner, channels, (1, 5))
    first = net.add(inner, stem)
    scaled = net.mul(first, net.constant((channels,)))
    shifted = net.add(scaled, net.constant((channels,)), activation=Activation.RELU)
    padded = net.pad(shifted, ((0, 0), (0, 0), (1, 2), (0, 0)))
    inner = net.convolution(
        padded, channels, (1, 5), stride=(1, 2), padding=Padding.VALID, activation=Activation.RELU
    )
    inner = net.convolution(inner, channels, (1, 5))
    second = net.add(inner, net.pool(first, MaxPool2D, (1, 2), (1, 2)))
    scaled = net.mul(second, net.constant((channels,)))
    shifted = net.add(scaled, net.constant((channels,)), activation=Activation.RELU)
    mean = net.pool(shifted, AveragePool2D, (1, net.shape(shifted)[2]), (1, 1))
    return net.graph(net.dense(net.reshape(mean, (1, channels)), classes))
