"""What each operator means in float32, over a batch of windows."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
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
    Pool2D,
    Reshape,
)
from ppg_deploy.graph.patches import patches

Floats = NDArray[np.float32]
# Keeps the unfolded convolution windows of one chunk within a few tens of megabytes.
_CHUNK = 32


def run_float(graph: Graph, inputs: Floats) -> Iterator[Mapping[str, Floats]]:
    """All activations by tensor name, (n, *shape without batch) each, chunk of windows by chunk.

    Args:
        graph: a float graph.
        inputs: float32 (N, *input shape without batch).
    """
    for start in range(0, len(inputs), _CHUNK):
        yield _run_chunk(graph, inputs[start : start + _CHUNK])


def run_float_output(graph: Graph, inputs: Floats) -> Floats:
    """The graph's output for every window, (N, *output shape without batch)."""
    return np.concatenate([values[graph.outputs[0]] for values in run_float(graph, inputs)])


def run_operator(graph: Graph, operator: Operator, values: Mapping[str, Floats]) -> Floats:
    """One operator's output for a batch, from the activations of its inputs."""
    operands = [
        values[name] if name in values else np.asarray(graph.tensors[name].data, np.float32)
        for name in operator.inputs
        if name
    ]
    result = _KERNELS[type(operator)](graph, operator, operands)
    return _activate(getattr(operator, "activation", Activation.NONE), result)


def _run_chunk(graph: Graph, inputs: Floats) -> Mapping[str, Floats]:
    values: dict[str, Floats] = {graph.inputs[0]: np.asarray(inputs, np.float32)}
    for operator in graph.operators:
        values[operator.output] = run_operator(graph, operator, values)
    return values


def _activate(activation: Activation, values: Floats) -> Floats:
    if activation is Activation.NONE:
        return values
    return np.clip(values, 0.0, 6.0 if activation is Activation.RELU6 else None)


def _convolution(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Conv2D)
    source, weights = operands[0], operands[1]
    out_channels, kernel_h, kernel_w, depth = weights.shape
    windows = patches(source, (kernel_h, kernel_w), operator.stride, operator.dilation, operator.padding, 0.0)
    groups = source.shape[3] // depth
    per_group = out_channels // groups
    parts = []
    for group in range(groups):
        columns = windows[:, :, :, group * depth : (group + 1) * depth]
        filters = weights[group * per_group : (group + 1) * per_group].transpose(3, 1, 2, 0)
        parts.append(columns.reshape(*columns.shape[:3], -1) @ filters.reshape(-1, per_group))
    return _biased(np.concatenate(parts, axis=-1), operands)


def _depthwise(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, DepthwiseConv2D)
    source, weights = operands[0], operands[1]
    windows = patches(source, weights.shape[1:3], operator.stride, operator.dilation, operator.padding, 0.0)
    filters = weights[0].reshape(*weights.shape[1:3], source.shape[3], operator.depth_multiplier)
    result = np.einsum("nhwcij,ijcm->nhwcm", windows, filters, optimize=True)
    return _biased(result.reshape(*result.shape[:3], -1), operands)


def _dense(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    source, weights = operands[0], operands[1]
    return _biased(source.reshape(len(source), -1) @ weights.T, operands)


def _biased(result: Floats, operands: list[Floats]) -> Floats:
    return result + operands[2] if len(operands) > 2 else result


def _average_pool(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Pool2D)
    windows = patches(operands[0], operator.filter, operator.stride, (1, 1), operator.padding, np.nan)
    return np.asarray(np.nanmean(windows, axis=(-2, -1)), np.float32)


def _max_pool(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Pool2D)
    windows = patches(operands[0], operator.filter, operator.stride, (1, 1), operator.padding, -np.inf)
    return np.asarray(windows.max(axis=(-2, -1)), np.float32)


def _pad(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    assert isinstance(operator, Pad)
    return np.pad(operands[0], ((0, 0), *operator.pads[1:]))


def _reshape(graph: Graph, operator: Operator, operands: list[Floats]) -> Floats:
    return operands[0].reshape(len(operands[0]), *graph.tensors[operator.output].shape[1:])


_KERNELS: dict[type[Operator], Callable[[Graph, Operator, list[Floats]], Floats]] = {
    Conv2D: _convolution,
    DepthwiseConv2D: _depthwise,
    FullyConnected: _dense,
    Add: lambda _graph, _operator, operands: operands[0] + operands[1],
    Mul: lambda _graph, _operator, operands: operands[0] * operands[1],
    AveragePool2D: _average_pool,
    MaxPool2D: _max_pool,
    Pad: _pad,
    Reshape: _reshape,
}
