"""Where int8 costs accuracy in normalisation and attention: warnings that name the operator, and a limit."""

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Graph
from ppg_deploy.graph.float_reference import run_float
from ppg_deploy.graph.operators import L2Normalization, Operator, Softmax, Sub
from ppg_deploy.graph.quantized_reference import run_quantized
from ppg_deploy.quantization.codes import dequantize_codes, quantize_windows

Floats = NDArray[np.float32]
# Signal to quantisation noise behind a layer, in decibels, all earlier errors included.
WARN_BELOW_DB = 25.0
REFUSE_BELOW_DB = 15.0
# A layer is blamed only for what it loses itself: the difference between its input and its output.
_BLAMED_FROM_DB = 3.0
_WINDOWS = 64


def sensitive_layers(float_graph: Graph, int8_graph: Graph, x: Floats) -> list[str]:
    """Warnings about softmax and layer normalisation inside the model.

    Args:
        float_graph: before quantisation.
        int8_graph: after it; same tensor names.
        x: windows (N, *graph input shape without batch); at most 64 are used.

    Raises:
        UnsupportedModelError: int8 leaves less than REFUSE_BELOW_DB behind a layer normalisation that loses it.
    """
    layers = [
        (operator, _layer_input(float_graph, operator))
        for operator in float_graph.operators
        if isinstance(operator, Softmax | L2Normalization)
    ]
    names = {name for operator, source in layers for name in (operator.output, source)}
    if not names:
        return []
    decibels = _decibels(float_graph, int8_graph, x[:: -(-len(x) // _WINDOWS)], names)
    warnings = []
    for operator, source in layers:
        before, behind = decibels[source], decibels[operator.output]
        if behind < WARN_BELOW_DB and before - behind >= _BLAMED_FROM_DB:
            warnings.append(_warning(float_graph, operator, before, behind))
    return warnings


def _layer_input(graph: Graph, operator: Operator) -> str:
    """What a softmax reads, or what the MEAN and SUB in front of an L2_NORMALIZATION centre."""
    source = operator.inputs[0]
    centring = graph.producer(source)
    return centring.inputs[0] if isinstance(centring, Sub) else source


def _decibels(float_graph: Graph, int8_graph: Graph, x: Floats, names: Collection[str]) -> dict[str, float]:
    signal, noise = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    codes = quantize_windows(x, int8_graph.input)
    for exact, quantized in zip(run_float(float_graph, x), run_quantized(int8_graph, codes), strict=True):
        for name in names:
            error = dequantize_codes(quantized[name], int8_graph.tensors[name]) - exact[name]
            signal[name] += float(np.square(exact[name], dtype=np.float64).sum())
            noise[name] += float(np.square(error).sum())
    return {
        name: 10.0 * math.log10(signal[name] / noise[name]) if signal[name] and noise[name] else math.inf
        for name in names
    }


def _warning(graph: Graph, operator: Operator, before: float, behind: float) -> str:
    name = operator.output
    loss = f"{behind:.1f} dB of signal to int8 noise behind it, {before:.1f} dB in front"
    if isinstance(operator, Softmax):
        return (
            f"{operator.kind} {name}: {loss}: its probabilities are steps of 1/256, and "
            f"{graph.tensors[name].shape[-1]} of them share the sum of 1; use fewer tokens "
            "(pool in front of the attention)"
        )
    if behind < REFUSE_BELOW_DB:
        raise UnsupportedModelError(
            f"operator LayerNormalization ({name}): {loss}: some positions vary too little against others for one "
            "int8 scale",
            hint="use nn.BatchNorm1d instead of nn.LayerNorm: it costs nothing in int8",
        )
    return f"LayerNormalization {name}: {loss}; nn.BatchNorm1d instead of nn.LayerNorm costs nothing in int8"
