"""What the answers would be if one activation stayed float and everything else quantised."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph
from ppg_deploy.graph.float_reference import run_operator
from ppg_deploy.graph.quantized_reference import Codes, run_quantized, run_quantized_operator
from ppg_deploy.quantization.codes import dequantize_codes, quantize_windows
from ppg_deploy.quantization.ranges import SAME_SCALE
from ppg_deploy.quantization.simulation import dequantized_constants, real_values

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
INPUT = -1
"""Stands for the graph's input among operator indices."""


def outputs_with_float(
    float_graph: Graph, int8_graph: Graph, x: Floats, candidates: Sequence[int]
) -> dict[int | None, Numbers]:
    """Real-valued outputs (N, outputs) for each candidate, and of the int8 graph itself under None.

    Args:
        float_graph: the float graph.
        int8_graph: the same quantised.
        x: windows (N, *graph input shape without batch).
        candidates: indices of operators whose output (and weights) stay float; INPUT for the graph's input.

    Operators that only move or pick values pass a float on; the first other reader answers in int8 again.
    """
    simulated = dequantized_constants(int8_graph)
    parts: dict[int | None, list[Numbers]] = {None: [], **{candidate: [] for candidate in candidates}}
    start = 0
    for base in run_quantized(int8_graph, quantize_windows(x, int8_graph.input)):
        output = base[int8_graph.outputs[0]]
        parts[None].append(_flat(dequantize_codes(output, int8_graph.output)))
        windows = x[start : start + len(output)]
        start += len(output)
        for candidate in candidates:
            answer = _run_with_float(float_graph, int8_graph, simulated, candidate, windows, base)
            parts[candidate].append(_flat(answer))
    return {candidate: np.concatenate(chunks) for candidate, chunks in parts.items()}


def _flat(outputs: NDArray[np.floating]) -> Numbers:
    return outputs.reshape(len(outputs), -1).astype(np.float64)


def _run_with_float(
    float_graph: Graph,
    int8_graph: Graph,
    simulated: Graph,
    candidate: int,
    windows: Floats,
    base: Mapping[str, Codes],
) -> NDArray[np.floating]:
    """One chunk. Activations in front of and beside the candidate are those of `base`."""
    codes = dict(base)
    floats: dict[str, Floats] = {int8_graph.inputs[0]: windows} if candidate == INPUT else {}
    changed = set(floats)
    for index, operator in enumerate(int8_graph.operators):
        if index != candidate and changed.isdisjoint(operator.inputs):
            continue
        changed.add(operator.output)
        if index != candidate and not any(name in floats for name in operator.inputs):
            codes[operator.output] = run_quantized_operator(int8_graph, operator, codes)
            continue
        operands = real_values(
            int8_graph, {name: codes[name] for name in operator.inputs if name in codes}
        ) | {name: floats[name] for name in operator.inputs if name in floats}
        result = run_operator(float_graph if index == candidate else simulated, operator, operands)
        if index == candidate or isinstance(operator, SAME_SCALE):
            floats[operator.output] = result
        else:
            codes[operator.output] = quantize_windows(result, int8_graph.tensors[operator.output])
    name = int8_graph.outputs[0]
    return floats[name] if name in floats else dequantize_codes(codes[name], int8_graph.output)
