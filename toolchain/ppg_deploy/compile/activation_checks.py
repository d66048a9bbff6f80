"""What the compiler accepts of the functions of one number and of softmax: exactly what TFLM computes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppg_deploy.graph import Graph, Quantization, Tensor
from ppg_deploy.graph.arithmetic import quantize_multiplier
from ppg_deploy.graph.int8_ops.activations import curve_factor, hard_swish_factors, leaky_factors
from ppg_deploy.graph.operators import (
    HardSwish,
    LeakyRelu,
    Logistic,
    Operator,
    Relu,
    Relu6,
    Softmax,
    Tanh,
)

_REQUANTISE = "quantise the model to int8 with: ppg-deploy quantize"
_EXPORT = "export the model again"
_LARGEST_LEFT_SHIFT = 30
# What the radius of LOGISTIC and TANH is computed with.
_LARGEST_CURVE_SHIFT = 62
# HARD_SWISH shifts 16-bit numbers.
_LARGEST_RIGHT_SHIFT_16 = 15
# From 512 equal codes on, the shift at the end of TFLM's softmax exceeds 31 bits.
_LARGEST_ROW = 511
_FULL_PROBABILITY = Quantization((1 / 256,), (-128,))
_FULL_SINE = Quantization((1 / 128,), (0,))


@dataclass(frozen=True)
class Problem:
    """Why an operator is refused: a tensor, what is wrong with it, and a way out."""

    tensor: str
    reason: str
    hint: str = _REQUANTISE


@dataclass(frozen=True)
class _Function:
    operator: Operator
    source: Tensor
    output: Tensor


def activation_problem(graph: Graph, operator: Operator) -> Problem | None:
    """The first thing about a function of one number or a softmax that TFLM would not compute, or None."""
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.output]
    if source.is_constant:
        return Problem(
            source.name, "is a constant where an activation is expected", "fold the constants first"
        )
    if output.shape != source.shape:
        return Problem(output.name, f"has shape {output.shape}, expected {source.shape}", _EXPORT)
    problem = _PROBLEMS.get(type(operator))
    return None if problem is None else problem(_Function(operator, source, output))


def _of_factors(output: Tensor, *factors: tuple[int, int]) -> Problem | None:
    if any(shift > _LARGEST_LEFT_SHIFT for _, shift in factors):
        return Problem(output.name, "has a scale far too small for its input")
    return None


def _of_relu(function: _Function) -> Problem | None:
    return _of_factors(function.output, quantize_multiplier(function.source.scale / function.output.scale))


def _of_relu6(function: _Function) -> Problem | None:
    # TFLM clamps the codes as they are; TensorFlow Lite would rescale.
    if function.source.quantization != function.output.quantization:
        return Problem(function.output.name, "has other quantisation parameters than the operator's input")
    return None


def _of_leaky_relu(function: _Function) -> Problem | None:
    assert isinstance(function.operator, LeakyRelu)
    if not np.isfinite(function.operator.alpha):
        return Problem(function.output.name, f"comes from a slope of {function.operator.alpha}", _EXPORT)
    factors = leaky_factors(function.operator, function.source, function.output)
    return _of_factors(function.output, *factors)


def _of_hard_swish(function: _Function) -> Problem | None:
    (_, output_shift), (_, gate_shift) = hard_swish_factors(function.source, function.output)
    if output_shift > 0:
        return Problem(function.output.name, "has a scale of less than 1/128 of the input's")
    if min(output_shift, gate_shift) < -_LARGEST_RIGHT_SHIFT_16 or gate_shift > _LARGEST_LEFT_SHIFT:
        return Problem(function.output.name, "has a scale that is out of all proportion to the input's")
    return None


def _of_curve(function: _Function) -> Problem | None:
    if not 0 <= curve_factor(function.source)[1] <= _LARGEST_CURVE_SHIFT:
        return Problem(function.source.name, f"has the scale {function.source.scale:g}")
    return _unless_fixed(
        function.output, _FULL_SINE if isinstance(function.operator, Tanh) else _FULL_PROBABILITY
    )


def _unless_fixed(output: Tensor, wanted: Quantization) -> Problem | None:
    if output.quantization != wanted:
        return Problem(
            output.name,
            f"has scale {output.scale:g} and zero point {output.zero_point}, not "
            f"{wanted.scale[0]:g} and {wanted.zero_point[0]}",
        )
    return None


def _of_softmax(function: _Function) -> Problem | None:
    source, operator = function.source, function.operator
    assert isinstance(operator, Softmax)
    if not 1 <= source.shape[-1] <= _LARGEST_ROW:
        return Problem(
            source.name,
            f"has rows of {source.shape[-1]} values",
            f"use a softmax over at most {_LARGEST_ROW}",
        )
    if not (np.isfinite(operator.beta) and operator.beta * source.scale * 2.0**26 > 1.0):
        return Problem(
            source.name, f"has the scale {source.scale:g} and the softmax the beta {operator.beta:g}"
        )
    return _unless_fixed(function.output, _FULL_PROBABILITY)


_PROBLEMS: dict[type[Operator], Callable[[_Function], Problem | None]] = {
    Relu: _of_relu,
    Relu6: _of_relu6,
    LeakyRelu: _of_leaky_relu,
    HardSwish: _of_hard_swish,
    Logistic: _of_curve,
    Tanh: _of_curve,
    Softmax: _of_softmax,
}
