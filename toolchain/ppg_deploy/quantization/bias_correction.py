"""Bias correction: the mean error that rounded weights and activations cause goes into the bias.

Source: Nagel et al., "Data-free quantization through weight equalization and bias correction", 2019, section 4.2
(empirical form).
"""

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph, Tensor
from ppg_deploy.graph.float_reference import run_operator
from ppg_deploy.graph.operators import Activation, Conv2D, DepthwiseConv2D, FullyConnected, Operator
from ppg_deploy.graph.quantized_reference import Codes, run_quantized_operator
from ppg_deploy.quantization.codes import quantize_windows
from ppg_deploy.quantization.simulation import dequantized_constants, real_values

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
Element = TypeVar("Element", bound=np.generic)
WEIGHTED = (Conv2D, DepthwiseConv2D, FullyConnected)
CORRECTION_WINDOWS = 128
_CHUNK = 32
_LARGEST_BIAS = 2**30


def correct_biases(float_graph: Graph, int8_graph: Graph, x: Floats) -> Graph:
    """The int8 graph with corrected biases.

    In order of execution, so that each operator sees the corrections in front of it. The error of a channel is the
    mean of (int8 weights on int8 input) - (float weights on float input) over windows and over the positions that
    the fused activation lets through. What a ReLU cuts off has errors of its own that say nothing about the answer:
    with them in the mean, correction more than doubled the int8 error of a PULSE student on real recordings.

    Args:
        float_graph: the float graph.
        int8_graph: the same quantised.
        x: calibration windows (N, *graph input shape without batch); at most 128, spread over the file, are used.
    """
    x = x[:: -(-len(x) // CORRECTION_WINDOWS)]
    simulated = dequantized_constants(int8_graph)
    tensors = dict(int8_graph.tensors)
    source = int8_graph.inputs[0]
    exact: dict[str, Floats] = {source: np.asarray(x, np.float32)}
    codes: dict[str, Codes] = {source: quantize_windows(x, int8_graph.input)}
    for position, operator in enumerate(int8_graph.operators):
        if isinstance(operator, WEIGHTED) and _has_bias_of_its_own(int8_graph, operator):
            error = _mean_error(float_graph, simulated, int8_graph, operator, exact, codes)
            bias = operator.inputs[2]
            tensors[bias] = _shifted(tensors[bias], -error)
        corrected = replace(int8_graph, tensors=tensors)
        parts = [slice(start, start + _CHUNK) for start in range(0, len(x), _CHUNK)]
        exact_parts = [run_operator(float_graph, operator, _rows(exact, operator, part)) for part in parts]
        codes_parts = [
            run_quantized_operator(corrected, operator, _rows(codes, operator, part)) for part in parts
        ]
        exact[operator.output] = np.concatenate(exact_parts)
        codes[operator.output] = np.concatenate(codes_parts)
        _forget(exact, int8_graph, position)
        _forget(codes, int8_graph, position)
    return replace(int8_graph, tensors=tensors)


def _has_bias_of_its_own(graph: Graph, operator: Operator) -> bool:
    """False in an unrolled loop, whose steps share one bias: the error of one step says nothing about the others."""
    return len(operator.inputs) > 2 and len(graph.consumers(operator.inputs[2])) == 1


def _mean_error(
    float_graph: Graph,
    simulated: Graph,
    int8_graph: Graph,
    operator: Conv2D | DepthwiseConv2D | FullyConnected,
    exact: dict[str, Floats],
    codes: dict[str, Codes],
) -> Numbers:
    linear = replace(operator, activation=Activation.NONE)
    total: Numbers = np.zeros(int8_graph.tensors[operator.output].shape[-1])
    count: Numbers = np.zeros_like(total)
    windows = len(exact[operator.inputs[0]])
    for start in range(0, windows, _CHUNK):
        part = slice(start, start + _CHUNK)
        wanted = run_operator(float_graph, linear, _rows(exact, operator, part)).reshape(-1, len(total))
        inputs = real_values(int8_graph, _rows(codes, operator, part))
        found = run_operator(simulated, linear, inputs).reshape(-1, len(total))
        passed = _passed(operator.activation, wanted)
        total += ((found.astype(np.float64) - wanted) * passed).sum(axis=0)
        count += passed.sum(axis=0)
    return total / np.maximum(count, 1.0)


def _passed(activation: Activation, values: Floats) -> NDArray[np.bool_]:
    """Where the activation changes nothing."""
    if activation is Activation.NONE:
        return np.ones_like(values, bool)
    return (values > 0.0) & (values < (6.0 if activation is Activation.RELU6 else np.inf))


def _rows(
    values: dict[str, NDArray[Element]], operator: Operator, part: slice
) -> dict[str, NDArray[Element]]:
    return {name: values[name][part] for name in operator.inputs if name in values}


def _shifted(bias: Tensor, amount: Numbers) -> Tensor:
    assert bias.quantization is not None
    codes = np.asarray(bias.data, np.int64) + np.rint(amount / np.asarray(bias.quantization.scale)).astype(
        np.int64
    )
    return replace(bias, data=np.clip(codes, -_LARGEST_BIAS, _LARGEST_BIAS).astype(bias.dtype.numpy))


def _forget(values: dict[str, NDArray[Element]], graph: Graph, position: int) -> None:
    """Drop activations that no later operator reads."""
    needed = {name for operator in graph.operators[position + 1 :] for name in operator.inputs}
    for name in [name for name in values if name not in needed]:
        del values[name]
