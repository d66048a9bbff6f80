"""What each operator means in float32, over a batch of windows."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.float_ops import KERNELS
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Activation, Operator

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
    """One operator's (first) output for a batch, from the activations of its inputs."""
    return _run_operator(graph, operator, values)[0]


def _run_operator(graph: Graph, operator: Operator, values: Mapping[str, Floats]) -> tuple[Floats, ...]:
    operands = [
        values[name] if name in values else np.asarray(graph.tensors[name].data, np.float32)
        for name in operator.inputs
        if name
    ]
    result = KERNELS[type(operator)](graph, operator, operands)
    results = result if isinstance(result, tuple) else (result,)
    activation = getattr(operator, "activation", Activation.NONE)
    return tuple(_activate(activation, values_of_one) for values_of_one in results)


def _run_chunk(graph: Graph, inputs: Floats) -> Mapping[str, Floats]:
    values: dict[str, Floats] = {graph.inputs[0]: np.asarray(inputs, np.float32)}
    for operator in graph.operators:
        values.update(zip(operator.outputs, _run_operator(graph, operator, values), strict=True))
    return values


def _activate(activation: Activation, values: Floats) -> Floats:
    if activation is Activation.NONE:
        return values
    return np.clip(values, 0.0, 6.0 if activation is Activation.RELU6 else None)
