"""What each int8 operator means: TFLM's arithmetic in numpy, code by code, over a batch of windows.

Source of every formula: tensorflow/lite/micro/kernels and
tensorflow/lite/kernels/internal/reference/integer_ops; checked against the TFLM interpreter in the tests.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int8_ops import KERNELS
from ppg_deploy.graph.operators import Operator

Codes = NDArray[np.int8]
_CHUNK = 32


def run_int8(graph: Graph, inputs: Codes) -> Iterator[Mapping[str, Codes]]:
    """All activations by tensor name, int8 (n, *shape without batch) each, chunk of windows by chunk.

    Args:
        graph: an int8 graph.
        inputs: int8 (N, *input shape without batch).
    """
    for start in range(0, len(inputs), _CHUNK):
        values: dict[str, Codes] = {graph.inputs[0]: inputs[start : start + _CHUNK]}
        for operator in graph.operators:
            values[operator.output] = run_int8_operator(graph, operator, values)
        yield values


def run_int8_output(graph: Graph, inputs: Codes) -> Codes:
    """The graph's output for every window, int8 (N, output elements)."""
    output = graph.outputs[0]
    return np.concatenate(
        [values[output].reshape(len(values[output]), -1) for values in run_int8(graph, inputs)]
    )


def run_int8_operator(graph: Graph, operator: Operator, values: Mapping[str, Codes]) -> Codes:
    """One operator's output for a batch, from the activations of its inputs."""
    operands = [
        values[name] if name in values else np.asarray(graph.tensors[name].data)
        for name in operator.inputs
        if name
    ]
    return KERNELS[type(operator)](graph, operator, operands)
