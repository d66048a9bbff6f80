"""Rewrites of sequence models: scales folded through data movement, and slices of a dense layer's outputs."""

import math
from dataclasses import replace

import numpy as np

from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import (
    Activation,
    BatchMatMul,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Operator,
    Reshape,
    StridedSlice,
    Transpose,
)


def fold_uniform_scale(graph: Graph) -> Graph:
    """A factor that is the same for every element moves into the weights that made its operand.

    Attention scales queries, keys or scores by 1 / sqrt(depth) behind reshapes and transposes.
    """
    for operator in graph.operators:
        factor = _uniform_factor(graph, operator)
        if factor is None:
            continue
        producer = _weights_behind(graph, operator.inputs[0])
        if producer is None:
            continue
        scaled = _with_scaled_weights(graph, producer, factor)
        source, output = operator.inputs[0], operator.output
        view = Reshape(inputs=(source,), outputs=(output,))
        operators = tuple(
            view if other is operator else (scaled[1] if other is producer else other)
            for other in graph.operators
        )
        return replace(graph, tensors={**graph.tensors, **scaled[0]}, operators=operators)
    return graph


def _uniform_factor(graph: Graph, operator: Operator) -> float | None:
    """The factor of a 1x1 depthwise convolution that scales all channels alike and does nothing else."""
    if (
        not isinstance(operator, DepthwiseConv2D)
        or graph.tensors[operator.inputs[1]].shape[1:3] != (1, 1)
        or operator.depth_multiplier != 1
        or operator.stride != (1, 1)
        or operator.activation is not Activation.NONE
        or operator.output in graph.outputs
    ):
        return None
    scale = np.unique(np.asarray(graph.tensors[operator.inputs[1]].data))
    offset = np.asarray(graph.tensors[operator.inputs[2]].data)
    return float(scale[0]) if scale.size == 1 and not offset.any() else None


def _weights_behind(graph: Graph, tensor: str) -> Conv2D | FullyConnected | None:
    """The linear operator whose result a tensor is, moved or multiplied on the way; None when others read it."""
    while True:
        if tensor in graph.outputs or len(graph.consumers(tensor)) != 1:
            return None
        producer = graph.producer(tensor)
        if isinstance(producer, Conv2D | FullyConnected):
            return producer if producer.activation is Activation.NONE else None
        if not isinstance(producer, Reshape | Transpose | BatchMatMul):
            return None
        if isinstance(producer, BatchMatMul) and producer.inputs[0] == producer.inputs[1]:
            return None
        tensor = producer.inputs[0]


def _with_scaled_weights(
    graph: Graph, operator: Conv2D | FullyConnected, factor: float
) -> tuple[dict[str, Tensor], Operator]:
    tensors = {}
    names = []
    for name in operator.inputs[1:]:
        data = np.asarray(graph.tensors[name].data, np.float64) * factor
        scaled = f"{name}*"
        tensors[scaled] = Tensor(scaled, data.shape, DType.FLOAT32, data=data.astype(np.float32))
        names.append(scaled)
    return tensors, replace(operator, inputs=(operator.inputs[0], *names))


def fold_channel_slice(graph: Graph) -> Graph:
    """A slice of a linear operator's output channels becomes an operator that computes no others.

    Packed projections of attention (query, key and value in one matrix) are cut apart this way.
    """
    for operator in graph.operators:
        if not isinstance(operator, StridedSlice):
            continue
        producer = _producer_through_reshapes(graph, operator.inputs[0])
        if not isinstance(producer, Conv2D) or producer.activation is not Activation.NONE:
            continue
        weights, bias = (graph.tensors[name] for name in producer.inputs[1:3])
        source = graph.tensors[producer.inputs[0]]
        if weights.shape[3] != source.shape[3]:
            continue
        channels = _sliced_channels(graph, operator, weights.shape[0])
        if channels is None:
            continue
        names = (f"{operator.output}/weights", f"{operator.output}/bias", f"{operator.output}/channels")
        old = graph.tensors[producer.output].shape
        tensors = {
            names[0]: _picked(names[0], weights, channels),
            names[1]: _picked(names[1], bias, channels),
            names[2]: Tensor(names[2], (*old[:3], len(channels)), DType.FLOAT32),
        }
        cut = replace(producer, inputs=(producer.inputs[0], *names[:2]), outputs=(names[2],))
        view = Reshape(inputs=(names[2],), outputs=(operator.output,))
        operators: list[Operator] = []
        for other in graph.operators:
            operators.extend((cut, view) if other is operator else (other,))
        return replace(graph, tensors={**graph.tensors, **tensors}, operators=tuple(operators))
    return graph


def _producer_through_reshapes(graph: Graph, tensor: str) -> Operator | None:
    producer = graph.producer(tensor)
    while isinstance(producer, Reshape):
        producer = graph.producer(producer.inputs[0])
    return producer


def _sliced_channels(graph: Graph, operator: StridedSlice, count: int) -> list[int] | None:
    """The channels that a slice keeps at every position, or None when it is not one of channels."""
    shape = graph.tensors[operator.inputs[0]].shape
    first = len(shape)
    while first > 0 and math.prod(shape[first:]) < count:
        first -= 1
    whole = zip(shape, operator.begin, operator.end, operator.strides, strict=True)
    if math.prod(shape[first:]) != count or any(
        (begin, end, stride) != (0, size, 1) for size, begin, end, stride in list(whole)[:first]
    ):
        return None
    numbers = np.arange(count).reshape(shape[first:])
    parts = zip(operator.begin, operator.end, operator.strides, strict=True)
    kept = numbers[tuple(slice(*part) for part in list(parts)[first:])]
    return [int(number) for number in kept.reshape(-1)]


def _picked(name: str, tensor: Tensor, channels: list[int]) -> Tensor:
    data = np.asarray(tensor.data)[channels]
    return Tensor(name, data.shape, DType.FLOAT32, data=data)
