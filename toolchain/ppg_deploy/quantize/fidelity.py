"""How well the quantised graph follows the float graph, operator by operator and in beats per minute."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph
from ppg_deploy.graph.arithmetic import code_limits
from ppg_deploy.graph.float_reference import run_float
from ppg_deploy.graph.quantized_reference import run_quantized
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.quantize.codes import dequantize_codes, quantize_windows

_NOISE_WINDOWS = 64


@dataclass(frozen=True)
class OperatorFidelity:
    """One operator of the quantised graph.

    Attributes:
        sqnr_db: power of the float activation over that of its quantisation error, all earlier errors included;
            None when the activation or the error is zero.
        clipped: fraction of its codes at either end of their range that a fused ReLU does not explain.
    """

    index: int
    kind: str
    output: str
    sqnr_db: float | None
    clipped: float
    macs: int


def operator_fidelity(
    float_graph: Graph, int8_graph: Graph, x: NDArray[np.float32]
) -> tuple[OperatorFidelity, ...]:
    """Compare both graphs on windows (N, *graph input shape without batch); at most 64 are used."""
    x = x[:: -(-len(x) // _NOISE_WINDOWS)]
    outputs = [operator.output for operator in int8_graph.operators]
    signal, noise = dict.fromkeys(outputs, 0.0), dict.fromkeys(outputs, 0.0)
    clipped, count = dict.fromkeys(outputs, 0), dict.fromkeys(outputs, 0)
    codes = quantize_windows(x, int8_graph.input)
    for exact, quantized in zip(run_float(float_graph, x), run_quantized(int8_graph, codes), strict=True):
        for name in outputs:
            tensor = int8_graph.tensors[name]
            error = dequantize_codes(quantized[name], tensor) - exact[name]
            signal[name] += float(np.square(exact[name], dtype=np.float64).sum())
            noise[name] += float(np.square(error).sum())
            low, high = code_limits(tensor)
            low_is_zero = tensor.zero_point == low
            at_limit = (quantized[name] == high) | ((quantized[name] == low) & (not low_is_zero))
            clipped[name] += int(at_limit.sum())
            count[name] += quantized[name].size
    return tuple(
        OperatorFidelity(
            index=index,
            kind=operator.kind,
            output=operator.output,
            sqnr_db=_decibels(signal[operator.output], noise[operator.output]),
            clipped=clipped[operator.output] / count[operator.output],
            macs=multiply_accumulates(int8_graph, operator),
        )
        for index, operator in enumerate(int8_graph.operators)
    )


def _decibels(signal: float, noise: float) -> float | None:
    return round(float(10.0 * np.log10(signal / noise)), 2) if signal > 0 and noise > 0 else None
