"""From ranges to scales and zero points; operators that only move or pick values share one scale."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from ppg_deploy.errors import InputError
from ppg_deploy.graph import Graph, Quantization
from ppg_deploy.graph.operators import (
    Concatenation,
    L2Normalization,
    Logistic,
    MaxPool2D,
    Operator,
    Pad,
    Pool2D,
    Relu6,
    Reshape,
    Softmax,
    StridedSlice,
    Tanh,
    Transpose,
)
from ppg_deploy.quantization.calibration import Range

# Their int8 kernels have no requantisation: input and output must have equal parameters.
SAME_SCALE: tuple[type[Operator], ...] = (
    Reshape,
    Pad,
    Pool2D,
    MaxPool2D,
    StridedSlice,
    Concatenation,
    Relu6,
    Transpose,
)
# Their int8 kernels know only these parameters of the output, whatever its range is.
FIXED_OUTPUTS: dict[type[Operator], Quantization] = {
    Logistic: Quantization((1 / 256,), (-128,)),
    Softmax: Quantization((1 / 256,), (-128,)),
    Tanh: Quantization((1 / 128,), (0,)),
    L2Normalization: Quantization((1 / 128,), (0,)),
}
_RANGE_BITS = 16


def activation_quantization(
    graph: Graph,
    ranges: Mapping[str, Range],
    output_range: Range | None,
    of_range: Callable[[float, float], Quantization] | None = None,
) -> dict[str, Quantization]:
    """Per-tensor parameters of every activation.

    Args:
        graph: float graph.
        ranges: (lowest, highest) of each activation.
        output_range: forced range of the graph's output, for example the physiological one.
        of_range: parameters for (lowest, highest); `quantization_of_range` by default.
    """
    groups = same_scale_groups(graph)
    merged: dict[str, Range] = {}
    for name, (low, high) in ranges.items():
        if not (math.isfinite(low) and math.isfinite(high)):
            raise InputError(
                f"activation {name} reaches {low:g} to {high:g} on the calibration windows",
                hint="look for overflow in the model and for windows far outside the training data",
            )
        root = groups[name]
        known = merged.get(root, (math.inf, -math.inf))
        merged[root] = (min(known[0], low), max(known[1], high))
    if output_range is not None:
        merged[groups[graph.outputs[0]]] = output_range
    fixed = {
        groups[operator.output]: FIXED_OUTPUTS[type(operator)]
        for operator in graph.operators
        if type(operator) in FIXED_OUTPUTS
    }
    parameters = of_range or quantization_of_range
    return {name: fixed.get(groups[name]) or parameters(*merged[groups[name]]) for name in ranges}


def quantization_of_range(low: float, high: float) -> Quantization:
    """Asymmetric int8 parameters whose range contains [low, high] and zero.

    Source: TensorFlow Lite 8-bit quantization specification.
    """
    # Rounded outwards so that the last bits of a float sum, which depend on the machine, do not reach the file.
    low, high = -rounded_up(max(-low, 0.0)), rounded_up(max(high, 0.0))
    if low == high:
        return Quantization((1.0,), (-128,))
    scale = float(np.float32((high - low) / 255.0))
    zero_point = int(np.clip(np.rint(-128 - low / scale), -128, 127))
    return Quantization((scale,), (zero_point,))


def rounded_up(value: float) -> float:
    """`value`, 0 or more, to the next number of 16 significant bits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.ceil(mantissa * (1 << _RANGE_BITS)), exponent - _RANGE_BITS)


def same_scale_groups(graph: Graph) -> dict[str, str]:
    """Representative of each activation's group."""
    group: dict[str, str] = {}

    def root(name: str) -> str:
        while group.setdefault(name, name) != name:
            name = group[name]
        return name

    for name in graph.inputs:
        root(name)
    for operator in graph.operators:
        for name in operator.outputs:
            root(name)
        if isinstance(operator, SAME_SCALE):
            for name in operator.inputs:
                group[root(operator.output)] = root(name)
    for first, *others in graph.tied:
        # Cleaning may have removed some of them.
        for name in others:
            if first in group and name in group:
                group[root(name)] = root(first)
    return {name: root(name) for name in group}
