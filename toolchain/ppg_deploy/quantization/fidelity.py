"""How well the int8 graph follows the float graph, activation by activation."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Graph, Tensor
from ppg_deploy.graph.arithmetic import code_limits
from ppg_deploy.graph.float_reference import run_float, run_operator
from ppg_deploy.graph.operators import Operator
from ppg_deploy.graph.quantized_reference import Codes, run_quantized
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.quantization.codes import dequantize_codes, quantize_windows
from ppg_deploy.quantization.simulation import real_values

Floats = NDArray[np.float32]
# Operators that only move values add no noise; computing that in float32 leaves about this much power.
_FLOAT32_NOISE = 1e-13


@dataclass(frozen=True)
class ActivationFidelity:
    """One activation.

    Attributes:
        sqnr_db: power of the float activation over that of its quantisation error, all earlier errors included;
            None when the activation or the error is zero.
        clipped: fraction of its codes at either end of their range that a fused ReLU does not explain.
        range_calibrated: real numbers that its lowest and highest codes stand for.
        range_used: smallest and largest value in the float graph.
    """

    sqnr_db: float | None
    clipped: float
    range_calibrated: tuple[float, float]
    range_used: tuple[float, float]


@dataclass(frozen=True)
class OperatorFidelity(ActivationFidelity):
    """One operator's output. `own_sqnr_db` counts only the noise the operator adds to the int8 input it gets."""

    index: int
    kind: str
    output: str
    own_sqnr_db: float | None
    macs: int


@dataclass
class _Sums:
    """Running sums over the values of one activation."""

    signal: float = 0.0
    noise: float = 0.0
    own_signal: float = 0.0
    own_noise: float = 0.0
    clipped: int = 0
    count: int = 0
    low: float = np.inf
    high: float = -np.inf

    def add(self, tensor: Tensor, exact: Floats, codes: Codes) -> None:
        real = dequantize_codes(codes, tensor)
        self.signal += float(np.square(exact, dtype=np.float64).sum())
        self.noise += float(np.square(real - exact).sum())
        lowest, highest = code_limits(tensor)
        low_is_zero = tensor.zero_point == lowest
        self.clipped += int(((codes == highest) | ((codes == lowest) & (not low_is_zero))).sum())
        self.count += codes.size
        self.low = min(self.low, float(exact.min()))
        self.high = max(self.high, float(exact.max()))

    def add_own(self, tensor: Tensor, expected: Floats, codes: Codes) -> None:
        self.own_signal += float(np.square(expected, dtype=np.float64).sum())
        self.own_noise += float(np.square(dequantize_codes(codes, tensor) - expected).sum())

    def fidelity(self, tensor: Tensor) -> ActivationFidelity:
        lowest, highest = ((code - tensor.zero_point) * tensor.scale for code in code_limits(tensor))
        return ActivationFidelity(
            sqnr_db=_decibels(self.signal, self.noise),
            clipped=self.clipped / self.count,
            range_calibrated=(lowest, highest),
            range_used=(self.low, self.high),
        )


def activation_fidelity(
    float_graph: Graph, int8_graph: Graph, x: Floats
) -> tuple[ActivationFidelity, tuple[OperatorFidelity, ...]]:
    """Compare both graphs on windows (N, *graph input shape without batch): the input, and every operator."""
    source = int8_graph.inputs[0]
    codes = quantize_windows(x, int8_graph.input)
    sums = {name: _Sums() for name in [source, *(operator.output for operator in int8_graph.operators)]}
    for exact, quantized in zip(run_float(float_graph, x), run_quantized(int8_graph, codes), strict=True):
        for name, running in sums.items():
            running.add(int8_graph.tensors[name], exact[name], quantized[name])
        for operator in int8_graph.operators:
            expected = _from_int8_inputs(float_graph, int8_graph, operator, quantized)
            tensor = int8_graph.tensors[operator.output]
            sums[operator.output].add_own(tensor, expected, quantized[operator.output])
    operators = []
    for index, operator in enumerate(int8_graph.operators):
        running = sums[operator.output]
        whole = running.fidelity(int8_graph.tensors[operator.output])
        operators.append(
            OperatorFidelity(
                sqnr_db=whole.sqnr_db,
                clipped=whole.clipped,
                range_calibrated=whole.range_calibrated,
                range_used=whole.range_used,
                index=index,
                kind=operator.kind,
                output=operator.output,
                own_sqnr_db=_decibels(running.own_signal, running.own_noise),
                macs=multiply_accumulates(int8_graph, operator),
            )
        )
    return sums[source].fidelity(int8_graph.input), tuple(operators)


def _from_int8_inputs(
    float_graph: Graph, int8_graph: Graph, operator: Operator, codes: Mapping[str, Codes]
) -> Floats:
    """What the operator would answer in float, weights included, given its int8 inputs."""
    inputs = {name: codes[name] for name in operator.inputs if name in codes}
    return run_operator(float_graph, operator, real_values(int8_graph, inputs))


def _decibels(signal: float, noise: float) -> float | None:
    """Ratio in dB; None without signal, or when the noise is only the rounding of float32."""
    if signal <= 0.0 or noise <= signal * _FLOAT32_NOISE:
        return None
    return round(float(10.0 * np.log10(signal / noise)), 2)
