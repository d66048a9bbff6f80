"""Two operands of an elementwise operator, brought into one memory order and into shapes that broadcast."""

import math
from dataclasses import dataclass

import numpy as np

from ppg_deploy.convert.builder import Constant, GraphBuilder, Node, Value
from ppg_deploy.convert.layout import Layout, LayoutError

# Besides the batch: what TFLM's and our elementwise kernels walk along.
_LARGEST_RANK = 3


@dataclass(frozen=True)
class Aligned:
    """Graph tensors of both operands, in their order, and shape and layout of the result."""

    tensors: tuple[str, str]
    shape: tuple[int, ...]
    layout: Layout


def align(node: Node, builder: GraphBuilder, first: Value, second: Value) -> Aligned:
    """Two activations; the one with fewer elements is moved where it lies in another order.

    Raises:
        LayoutError: it would have to be moved and must not.
    """
    rank = max(len(first.shape), len(second.shape))
    first, second = _padded(first, rank), _padded(second, rank)
    broadcast = _broadcast_shape(node, first.shape, second.shape)
    if broadcast not in (first.shape, second.shape):
        raise node.unsupported(f"shapes {first.shape} and {second.shape}", "repeat one operand explicitly")
    swapped = first.shape != broadcast
    large, small = (second, first) if swapped else (first, second)
    large, small = _with_equal_factors(large, small), _with_equal_factors(small, large)
    varying = [bool(small.layout.factors_of(axis)) for axis in range(rank)]
    small = builder.in_memory(small, _memory_like(large.layout, small.layout, varying))
    dims = _dimensions(large.layout, varying)
    shape = (1, *(size for size, _ in dims))
    small_shape = (1, *(size if varies else 1 for size, varies in dims))
    tensors = (builder.viewed(large, shape), builder.viewed(small, small_shape))
    return Aligned(tensors[::-1] if swapped else tensors, shape, large.layout)


def align_constant(node: Node, builder: GraphBuilder, value: Value, constant: Constant) -> Aligned:
    """An activation and a constant, which is rearranged at no cost; the activation comes first."""
    rank = len(value.shape)
    if constant.ndim > rank or np.broadcast_shapes(value.shape, constant.shape) != value.shape:
        raise node.unsupported(
            f"constant operand of shape {constant.shape} for an activation of shape {value.shape}",
            "give the constant no more axes or elements than the activation",
        )
    padded = constant.reshape((1,) * (rank - constant.ndim) + constant.shape)
    varying = [size > 1 for size in padded.shape]
    factors = [
        factor if varying[axis] else 1 for axis, axes in enumerate(value.layout.axes) for factor in axes
    ]
    ordered = padded.reshape(factors).transpose(value.layout.memory)
    dims = _dimensions(value.layout, varying)
    shape = (1, *(size for size, _ in dims))
    constant_shape = (1, *(size if varies else 1 for size, varies in dims))
    name = builder.new_tensor(f"{node.outputs[0]}/constant", constant_shape, ordered.reshape(constant_shape))
    return Aligned((builder.viewed(value, shape), name), shape, value.layout)


def _broadcast_shape(node: Node, first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(first, second)
    except ValueError as error:
        raise node.unsupported(f"shapes {first} and {second}", "export the model again") from error


def _padded(value: Value, rank: int) -> Value:
    missing = rank - len(value.shape)
    return Value(value.tensor, Layout(((),) * missing + value.layout.axes, value.layout.memory))


def _with_equal_factors(value: Value, other: Value) -> Value:
    """The value with each axis split into factors as the other operand's is."""
    layout = value.layout
    for axis, factors in enumerate(other.layout.axes):
        own = layout.axes[axis]
        if own and factors and own != factors and len(own) == 1:
            layout = layout.split(axis, factors)
    return Value(value.tensor, layout)


def _memory_like(large: Layout, small: Layout, varying: list[bool]) -> tuple[int, ...]:
    """The small operand's factors in the order in which the large one's lie."""
    numbers: dict[int, int] = {}
    for axis, varies in enumerate(varying):
        if not varies:
            continue
        if large.axes[axis] != small.axes[axis]:
            raise LayoutError(f"axis {axis} of the operands is stored in different pieces")
        numbers.update(zip(large.factors_of(axis), small.factors_of(axis), strict=True))
    return tuple(numbers[factor] for factor in large.memory if factor in numbers)


def _dimensions(layout: Layout, varying: list[bool]) -> list[tuple[int, bool]]:
    """(size, does the small operand vary along it) in memory order, neighbours merged."""
    axis_of = [axis for axis, factors in enumerate(layout.axes) for _ in factors]
    runs: list[list[tuple[int, bool]]] = []
    for factor in layout.memory:
        item = (layout.factors[factor], varying[axis_of[factor]])
        if runs and runs[-1][-1][1] == item[1]:
            runs[-1].append(item)
        else:
            runs.append([item])
    if len(runs) > _LARGEST_RANK:
        raise LayoutError(f"broadcasting along {len(runs)} separate axes")
    return [(math.prod(size for size, _ in run), run[0][1]) for run in runs] or [(1, False)]
