"""Weights, biases and cell state of an LSTM.

Source: TensorFlow Lite 8-bit quantization specification and tensorflow/lite/tools/optimize/operator_property.cc: gates
with symmetric int8 weights of one scale each, int32 biases in the scale of the input's products, an int16 cell state
whose scale is a power of two.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.lstm import SMALLEST_CELL_POWER
from ppg_deploy.graph.operators import UnidirectionalSequenceLstm
from ppg_deploy.quantization.calibration import Range

_LARGEST_CODE = 32767
# Weights of zero still need a scale.
_SMALLEST_WEIGHT = 1e-6


def quantize_lstm(
    graph: Graph,
    operator: UnidirectionalSequenceLstm,
    ranges: Mapping[str, Range],
    parameters: Mapping[str, Quantization],
) -> dict[str, Tensor]:
    """The LSTM's constants and its cell state, by name.

    Args:
        graph: float graph.
        operator: the LSTM.
        ranges: (lowest, highest) of its cell states.
        parameters: of its input sequence.
    """
    tensors = {}
    input_scale = parameters[operator.inputs[0]].scale[0]
    for weights_name, bias_name in zip(operator.input_weights, operator.biases, strict=True):
        weights = _symmetric(graph.tensors[weights_name])
        bias_scale = float(np.float32(input_scale) * np.float32(weights.scale))
        codes = np.rint(np.asarray(graph.tensors[bias_name].data, np.float64) / bias_scale)
        tensors[weights_name] = weights
        tensors[bias_name] = replace(
            graph.tensors[bias_name],
            dtype=DType.INT32,
            quantization=Quantization((bias_scale,), (0,)),
            data=np.clip(codes, -(2**31), 2**31 - 1).astype(np.int32),
        )
    for name in operator.recurrent_weights:
        tensors[name] = _symmetric(graph.tensors[name])
    cell = graph.tensors[operator.cell]
    scale = 2.0 ** _cell_power(ranges[operator.cell])
    tensors[operator.cell] = replace(cell, dtype=DType.INT16, quantization=Quantization((scale,), (0,)))
    return tensors


def _symmetric(weights: Tensor) -> Tensor:
    values = np.asarray(weights.data, np.float64)
    largest = max(float(np.abs(values).max()), _SMALLEST_WEIGHT)
    scale = float(np.float32(largest / 127.0))
    codes = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
    return replace(weights, dtype=DType.INT8, quantization=Quantization((scale,), (0,)), data=codes)


def _cell_power(cell: Range) -> int:
    """Exponent of the finest scale that holds the cell's range and that the kernel takes."""
    largest = max(abs(cell[0]), abs(cell[1]))
    if largest == 0.0:
        return SMALLEST_CELL_POWER
    return max(math.ceil(math.log2(largest / _LARGEST_CODE)), SMALLEST_CELL_POWER)
