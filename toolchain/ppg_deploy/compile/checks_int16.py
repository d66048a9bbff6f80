"""What the compiler asks of int16 activations beyond what it asks of int8 ones."""

from collections.abc import Callable

import numpy as np

from ppg_deploy.compile.place import Place, check_factors
from ppg_deploy.graph.arithmetic import channel_multipliers, dense_multipliers, mul_multiplier
from ppg_deploy.graph.int16_ops.requantize import LARGEST_ACCUMULATOR, LARGEST_LEFT_SHIFT
from ppg_deploy.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Pool2D,
    Reshape,
)

# A pool sums its window in 32 bits.
_MAX_INT16_WINDOW = (1 << 16) - 1


def _check_wide_sums(place: Place) -> None:
    """The 64-bit requantisation is defined for accumulators of 47 bits and left shifts of up to 7."""
    operator = place.operator
    source, weights = (place.tensor(name) for name in operator.inputs[:2])
    output = place.tensor(operator.output)
    multipliers = dense_multipliers if isinstance(operator, FullyConnected) else channel_multipliers
    check_factors(place, multipliers(source, weights, output), LARGEST_LEFT_SHIFT)
    largest = weights.size << 22
    if len(operator.inputs) > 2 and operator.inputs[2]:
        largest += int(np.abs(np.asarray(place.tensor(operator.inputs[2]).data, np.float64)).max())
    if largest > LARGEST_ACCUMULATOR:
        raise place.refuse(operator.output, "sums more than 47 bits hold")


def _check_int16_mul(place: Place) -> None:
    # A product has 31 bits: there is no room to shift it to the left.
    first, second = (place.tensor(name) for name in place.operator.inputs)
    check_factors(place, [mul_multiplier(first, second, place.tensor(place.operator.output))], 0)


def _check_int16_pool(place: Place) -> None:
    assert isinstance(place.operator, Pool2D)
    rows, columns = place.operator.filter
    if rows * columns > _MAX_INT16_WINDOW:
        raise place.refuse(place.operator.output, f"is pooled over {rows} x {columns} values")


def _accept(place: Place) -> None:
    del place


# Operators that are not here have no int16 kernel.
INT16_CHECKS: dict[type[Operator], Callable[[Place], None]] = {
    Conv2D: _check_wide_sums,
    DepthwiseConv2D: _check_wide_sums,
    FullyConnected: _check_wide_sums,
    Add: _accept,
    Mul: _check_int16_mul,
    AveragePool2D: _check_int16_pool,
    MaxPool2D: _check_int16_pool,
    Pad: _accept,
    Reshape: _accept,
}
