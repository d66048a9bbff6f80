"""Parts of a quantised graph computed in real numbers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.quantization.codes import dequantize_codes

Floats = NDArray[np.float32]


def dequantized_constants(graph: Graph) -> Graph:
    """The graph with its quantised constants as the real numbers they stand for; activations are unchanged."""
    return replace(graph, tensors={name: _dequantized(tensor) for name, tensor in graph.tensors.items()})


def _dequantized(tensor: Tensor) -> Tensor:
    if tensor.data is None or tensor.quantization is None:
        return tensor
    shape = [1] * len(tensor.shape)
    if tensor.quantization.axis is not None:
        shape[tensor.quantization.axis] = -1
    scales = np.array(tensor.quantization.scale).reshape(shape)
    zero_points = np.array(tensor.quantization.zero_point).reshape(shape)
    values = (np.asarray(tensor.data, np.float64) - zero_points) * scales
    return Tensor(tensor.name, tensor.shape, DType.FLOAT32, data=values.astype(np.float32))


def real_values(graph: Graph, codes: Mapping[str, Codes]) -> dict[str, Floats]:
    """The real numbers that activations stand for."""
    return {
        name: dequantize_codes(values, graph.tensors[name]).astype(np.float32)
        for name, values in codes.items()
    }
