"""Builds networks whose int8 form looks trained: every scale comes from activations that were computed.

Weights are drawn from a Laplace distribution, whose int8 codes crowd around zero like those of trained layers. Each
channel is then scaled and shifted by what it does on the calibration windows, as batch normalisation would, so that no
layer is dead or saturated. The result goes through the same calibration and quantiser as a user's model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.networks.windows import smooth
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.float_reference import run_operator
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
    Softmax,
)
from ppg_deploy.graph.shapes import window_output
from ppg_deploy.quantization import calibrate, quantize_graph

Floats = NDArray[np.float32]
Pair = tuple[int, int]
CALIBRATION_WINDOWS = 32
# Batch normalisation of trained networks: scales vary by about a third, shifts by half a deviation.
_SCALE_SPREAD = 0.3
_SHIFT_SPREAD = 0.5
_NO_SPREAD = 1e-6


@dataclass(frozen=True)
class _Weights:
    """Shape, the axis of the output channels, and over how many values an output sums."""

    shape: tuple[int, ...]
    axis: int
    summed: int


class NetworkMaker:
    """Adds operators one behind the other; every method returns the name of its output tensor.

    Args:
        name: of the graph.
        shape: of the input, (1, height, width, channels) or (1, values).
        seed: of weights and calibration windows.
    """

    def __init__(self, name: str, shape: tuple[int, ...], seed: int) -> None:
        self._name = name
        self._rng = np.random.default_rng(seed)
        self._tensors = {"input": Tensor("input", shape, DType.FLOAT32)}
        self._operators: list[Operator] = []
        windows = smooth(self._rng.standard_normal((CALIBRATION_WINDOWS, *shape[1:])))
        self._values: dict[str, Floats] = {"input": windows}
        self.input = "input"

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor, batch of 1 included."""
        return self._tensors[name].shape

    def int8(self, output: str) -> Graph:
        """The finished network, quantised on its own windows."""
        graph = Graph(self._name, self._tensors, tuple(self._operators), (self.input,), (output,))
        return quantize_graph(graph, calibrate(graph, self._values[self.input]))

    def convolution(
        self,
        source: str,
        channels: int,
        kernel: Pair,
        *,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Padding = Padding.SAME,
        activation: Activation = Activation.RELU,
    ) -> str:
        """CONV_2D."""
        depth = self.shape(source)[3]
        weights = _Weights((channels, *kernel, depth), 0, kernel[0] * kernel[1] * depth)
        operator = Conv2D(
            inputs=(source,),
            outputs=(self._fresh("convolved"),),
            stride=stride,
            dilation=dilation,
            padding=padding,
            activation=activation,
        )
        size = self._windows(source, kernel, stride, dilation, padding)
        return self._weighted(operator, weights, (1, *size, channels))

    def depthwise(
        self,
        source: str,
        kernel: Pair,
        *,
        stride: Pair = (1, 1),
        activation: Activation = Activation.RELU,
    ) -> str:
        """DEPTHWISE_CONV_2D with SAME padding and multiplier 1."""
        channels = self.shape(source)[3]
        weights = _Weights((1, *kernel, channels), 3, kernel[0] * kernel[1])
        operator = DepthwiseConv2D(
            inputs=(source,),
            outputs=(self._fresh("depthwise"),),
            stride=stride,
            padding=Padding.SAME,
            activation=activation,
        )
        size = self._windows(source, kernel, stride, (1, 1), Padding.SAME)
        return self._weighted(operator, weights, (1, *size, channels))

    def dense(self, source: str, units: int, *, activation: Activation = Activation.NONE) -> str:
        """FULLY_CONNECTED over all values, flattened by RESHAPE where they are no vector."""
        size = self._tensors[source].size
        if len(self.shape(source)) != 2:
            source = self.reshape(source, (1, size))
        operator = FullyConnected(inputs=(source,), outputs=(self._fresh("dense"),), activation=activation)
        return self._weighted(operator, _Weights((units, size), 0, size), (1, units))

    def batch_norm(self, source: str) -> str:
        """MUL and ADD with one constant a channel, and ReLU: batch normalisation that could not be folded."""
        values = self._values[source]
        axes = tuple(range(values.ndim - 1))
        scale, shift = self._normalisation(values.mean(axes), values.std(axes))
        scaled = Mul(inputs=(source, self._constant(scale)), outputs=(self._fresh("scaled"),))
        name = self._emit(scaled, self.shape(source))
        shifted = Add(
            inputs=(name, self._constant(shift)),
            outputs=(self._fresh("shifted"),),
            activation=Activation.RELU,
        )
        return self._emit(shifted, self.shape(source))

    def add(self, left: str, right: str, *, activation: Activation = Activation.NONE) -> str:
        """ADD of two tensors of one shape."""
        operator = Add(inputs=(left, right), outputs=(self._fresh("sum"),), activation=activation)
        return self._emit(operator, self.shape(left))

    def average_pool(self, source: str, window: Pair, *, activation: Activation = Activation.NONE) -> str:
        """AVERAGE_POOL_2D that moves by its own size."""
        operator = AveragePool2D(
            inputs=(source,),
            outputs=(self._fresh("pooled"),),
            filter=window,
            stride=window,
            activation=activation,
        )
        size = self._windows(source, window, window, (1, 1), Padding.VALID)
        return self._emit(operator, (1, *size, self.shape(source)[3]))

    def global_average(self, source: str) -> str:
        """AVERAGE_POOL_2D over all positions."""
        _, rows, columns, _ = self.shape(source)
        return self.average_pool(source, (rows, columns))

    def max_pool(self, source: str, window: Pair, *, padding: Padding = Padding.VALID) -> str:
        """MAX_POOL_2D that moves by its own size."""
        operator = MaxPool2D(
            inputs=(source,),
            outputs=(self._fresh("pooled"),),
            filter=window,
            stride=window,
            padding=padding,
        )
        size = self._windows(source, window, window, (1, 1), padding)
        return self._emit(operator, (1, *size, self.shape(source)[3]))

    def pad(self, source: str, pads: Sequence[Pair]) -> str:
        """PAD with zeros, (before, after) for each axis."""
        shape = tuple(size + sum(pair) for size, pair in zip(self.shape(source), pads, strict=True))
        operator = Pad(inputs=(source,), outputs=(self._fresh("padded"),), pads=tuple(pads))
        return self._emit(operator, shape)

    def reshape(self, source: str, shape: tuple[int, ...]) -> str:
        """RESHAPE."""
        return self._emit(Reshape(inputs=(source,), outputs=(self._fresh("reshaped"),)), shape)

    def softmax(self, source: str) -> str:
        """SOFTMAX."""
        return self._emit(Softmax(inputs=(source,), outputs=(self._fresh("softmax"),)), self.shape(source))

    def _windows(
        self, source: str, kernel: Pair, stride: Pair, dilation: Pair, padding: Padding
    ) -> tuple[int, ...]:
        sizes = self.shape(source)[1:3]
        return tuple(
            window_output(size, length, step, gap, padding)
            for size, length, step, gap in zip(sizes, kernel, stride, dilation, strict=True)
        )

    def _weighted(self, operator: Operator, weights: _Weights, shape: tuple[int, ...]) -> str:
        """Emit an operator with weights: drawn, then normalised by what comes out of them."""
        channels = weights.shape[weights.axis]
        drawn = self._rng.laplace(0.0, weights.summed**-0.5, weights.shape).astype(np.float32)
        names = (self._constant(drawn), self._constant(np.zeros(channels, np.float32)))
        plain = replace(operator, inputs=(*operator.inputs, *names))
        probe = replace(plain, activation=Activation.NONE)  # type: ignore[call-arg]
        self._tensors[operator.output] = Tensor(operator.output, shape, DType.FLOAT32)
        raw = self._run(probe).reshape(-1, channels)
        scale, shift = self._normalisation(raw.mean(0), raw.std(0))
        along = [1] * len(weights.shape)
        along[weights.axis] = channels
        self._replace_constant(names[0], drawn * scale.reshape(along))
        self._replace_constant(names[1], shift)
        return self._emit(plain, shape)

    def _normalisation(self, mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
        """Factor and summand a channel that give it about unit deviation and a mean around zero."""
        spread = np.exp(self._rng.normal(0.0, _SCALE_SPREAD, mean.shape))
        scale = spread / np.maximum(deviation, _NO_SPREAD)
        shift = self._rng.normal(0.0, _SHIFT_SPREAD, mean.shape) - mean * scale
        return scale.astype(np.float32), shift.astype(np.float32)

    def _emit(self, operator: Operator, shape: tuple[int, ...]) -> str:
        self._tensors[operator.output] = Tensor(operator.output, shape, DType.FLOAT32)
        self._operators.append(operator)
        self._values[operator.output] = self._run(operator)
        return operator.output

    def _run(self, operator: Operator) -> Floats:
        graph = Graph(self._name, self._tensors, (operator,), (self.input,), (operator.output,))
        return np.asarray(run_operator(graph, operator, self._values), np.float32)

    def _constant(self, values: Floats) -> str:
        name = self._fresh("constant")
        self._tensors[name] = Tensor(name, values.shape, DType.FLOAT32, data=values)
        return name

    def _replace_constant(self, name: str, values: Floats) -> None:
        self._tensors[name] = replace(self._tensors[name], data=values.astype(np.float32))

    def _fresh(self, kind: str) -> str:
        return f"{kind}{len(self._tensors)}"
