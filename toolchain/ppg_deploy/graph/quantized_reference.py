"""What each quantised operator means: TFLM's arithmetic in numpy, code by code, over a batch of windows.

The type of the graph's input says which arithmetic: `int8_ops` or `int16_ops`. Checked against the TFLM interpreter in
the tests.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import int8_ops, int16_ops
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator
from ppg_deploy.graph.tensor import DType

# int8 or int16, as the graph's input.
Codes = NDArray[np.signedinteger]
_CHUNK = 32


def run_quantized(graph: Graph, inputs: Codes) -> Iterator[Mapping[str, Codes]]:
    """All activations by tensor name, (n, *shape without batch) each, chunk of windows by chunk.

    Args:
        graph: an int8 or int16 graph.
        inputs: (N, *input shape without batch) of the input's type.
    """
    for start in range(0, len(inputs), _CHUNK):
        values: dict[str, Codes] = {graph.inputs[0]: inputs[start : start + _CHUNK]}
        for operator in graph.operators:
            values[operator.output] = run_quantized_operator(graph, operator, values)
        yield values


def run_quantized_output(graph: Graph, inputs: Codes) -> Codes:
    """The graph's output for every window, (N, output elements)."""
    output = graph.outputs[0]
    return np.concatenate(
        [values[output].reshape(len(values[output]), -1) for values in run_quantized(graph, inputs)]
    )


def run_quantized_operator(graph: Graph, operator: Operator, values: Mapping[str, Codes]) -> Codes:
    """One operator's output for a batch, from the activations of its inputs."""
    operands = [
        values[name] if name in values else np.asarray(graph.tensors[name].data)
        for name in operator.inputs
        if name
    ]
    if graph.input.dtype is DType.INT16:
        return int16_ops.KERNELS[type(operator)](graph, operator, operands)
    return int8_ops.KERNELS[type(operator)](graph, operator, operands)
