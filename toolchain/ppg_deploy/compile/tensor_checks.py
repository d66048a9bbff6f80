"""What the compiler accepts of the operators in `tensor_lowering`."""

import math
from typing import TYPE_CHECKING

from ppg_deploy.graph.arithmetic import (
    product_multiplier,
    reduction_multiplier,
    squared_difference_multipliers,
    sub_multipliers,
)
from ppg_deploy.graph.operators import BatchMatMul, Reduction, SquaredDifference, Transpose

if TYPE_CHECKING:
    from ppg_deploy.compile.place import Place

_HINT = "export the model again"
_MAX_TRANSPOSE_RANK = 5
_MAX_REDUCE_RANK = 4
_LARGEST_SHIFT = 30
_INT32_VALUES = 1 << 31
# Largest square of a difference of two codes.
_LARGEST_SQUARE = 255 * 255
_L2_SCALE = 1 / 128
_LOWEST_CODE = -128


def _check_batch(place: "Place", *names: str) -> None:
    """The leading axis is the batch, which is 1."""
    for name in names:
        shape = place.tensor(name).shape
        if not shape or shape[0] != 1:
            raise place.refuse(name, f"of shape {shape} has no leading batch axis of 1", _HINT)


def _check_variable(place: "Place", *names: str) -> None:
    for name in names:
        if place.tensor(name).is_constant:
            raise place.refuse(
                name, "is a constant where an activation is expected", "fold the constants first"
            )


def _check_sum(place: "Place", largest: int, shift: int) -> None:
    """The accumulator, shifted left as TFLM does before it multiplies, stays within int32."""
    if shift > _LARGEST_SHIFT or largest << max(shift, 0) >= _INT32_VALUES:
        raise place.refuse(place.operator.output, "has a scale far too small for its inputs")


def check_transpose(place: "Place") -> None:
    """TRANSPOSE keeps the parameters and the batch."""
    operator = place.operator
    assert isinstance(operator, Transpose)
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    _check_variable(place, source.name)
    _check_batch(place, source.name)
    rank = len(source.shape)
    permutation = operator.permutation
    if rank > _MAX_TRANSPOSE_RANK or sorted(permutation) != list(range(rank)) or permutation[0] != 0:
        raise place.refuse(
            output.name, f"is permuted by {permutation}", "move no more than 4 axes, not the batch"
        )
    place.require_shape(output.name, tuple(source.shape[axis] for axis in permutation))
    if (source.scale, source.zero_point) != (output.scale, output.zero_point):
        raise place.refuse(output.name, "has other quantisation parameters than its input")


def check_difference(place: "Place") -> None:
    """SUB and SQUARED_DIFFERENCE, whose broadcasting is checked already."""
    operator = place.operator
    first, second = (place.tensor(name) for name in operator.inputs)
    squared = isinstance(operator, SquaredDifference)
    factors = squared_difference_multipliers if squared else sub_multipliers
    *_, (_, shift) = factors(first, second, place.tensor(operator.output))
    # TFLM refuses factors of 1 and above; only a far too small output scale leads to one.
    if shift > 0:
        raise place.refuse(operator.output, "has a scale far too small for its inputs")


def check_reduction(place: "Place") -> None:
    """MEAN and SUM over any axes but the batch."""
    operator = place.operator
    assert isinstance(operator, Reduction)
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    _check_variable(place, source.name)
    _check_batch(place, source.name, output.name)
    if len(source.shape) > _MAX_REDUCE_RANK:
        raise place.refuse(source.name, "has more than 4 axes", "reshape it first")
    if not operator.axes or 0 in operator.axes or max(operator.axes) >= len(source.shape):
        raise place.refuse(
            output.name, f"is reduced over the axes {operator.axes}", "reduce axes of the signal"
        )
    if operator.keep_dims:
        kept = tuple(1 if axis in operator.axes else size for axis, size in enumerate(source.shape))
    else:
        kept = tuple(size for axis, size in enumerate(source.shape) if axis not in operator.axes)
    place.require_shape(output.name, kept)
    count = math.prod(source.shape[axis] for axis in operator.axes)
    _check_sum(place, 255 * count, reduction_multiplier(source, operator, output)[1])


def check_product(place: "Place") -> None:
    """BATCH_MATMUL of operands with equal batch axes."""
    operator = place.operator
    assert isinstance(operator, BatchMatMul)
    first, second = (place.tensor(name) for name in operator.inputs)
    output = place.tensor(operator.output)
    if first.is_constant:
        _check_variable(place, second.name)
    _check_batch(place, first.name, second.name)
    if min(len(first.shape), len(second.shape)) < 3 or first.shape[:-2] != second.shape[:-2]:
        raise place.refuse(
            second.name, f"of shape {second.shape} does not match the batches of {first.shape}", _HINT
        )
    rows, summed = _turned(first.shape, operator.adjoint_first)
    other, columns = _turned(second.shape, operator.adjoint_second)
    if summed != other:
        raise place.refuse(second.name, f"sums {other} values, its partner {summed}", _HINT)
    place.require_shape(output.name, (*first.shape[:-2], rows, columns))
    _check_sum(place, _LARGEST_SQUARE * summed, product_multiplier(first, second, output)[1])


def _turned(shape: tuple[int, ...], adjoint: bool) -> tuple[int, int]:
    return (shape[-1], shape[-2]) if adjoint else (shape[-2], shape[-1])


def check_rsqrt(place: "Place") -> None:
    """RSQRT of codes that cannot be negative: TFLM stops at the first one that is."""
    operator = place.operator
    source = place.tensor(operator.inputs[0])
    _check_variable(place, source.name)
    place.require_shape(operator.output, source.shape)
    if source.zero_point != _LOWEST_CODE:
        raise place.refuse(source.name, "may be negative, which has no root", "add epsilon to a variance")


def check_l2_normalization(place: "Place") -> None:
    """L2_NORMALIZATION with the only output parameters its int8 kernel has."""
    operator = place.operator
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    _check_variable(place, source.name)
    _check_batch(place, source.name)
    place.require_shape(output.name, source.shape)
    if (output.scale, output.zero_point) != (_L2_SCALE, 0):
        raise place.refuse(output.name, "is not in steps of 1/128 around zero")
    if _LARGEST_SQUARE * source.shape[-1] >= _INT32_VALUES:
        raise place.refuse(
            source.name, "is too long for a sum of squares in 32 bits", "normalise shorter vectors"
        )
