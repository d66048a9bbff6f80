"""Where slices lie in their input."""

import math

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import StridedSlice

Axes = tuple[tuple[int, int], ...]


def slice_walk(graph: Graph, operator: StridedSlice) -> tuple[int, Axes]:
    """(first element, (size, distance) of each axis longer than 1) of a slice in its input.

    Axes that lie behind one another are one.
    """
    shape = graph.tensors[operator.inputs[0]].shape
    distances = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    start = sum(begin * distance for begin, distance in zip(operator.begin, distances, strict=True))
    walk: list[tuple[int, int]] = []
    for begin, end, stride, distance in zip(
        operator.begin, operator.end, operator.strides, distances, strict=True
    ):
        size = len(range(begin, end, stride))
        if size == 1:
            continue
        if walk and walk[-1][1] == size * stride * distance:
            walk[-1] = (walk[-1][0] * size, stride * distance)
        else:
            walk.append((size, stride * distance))
    return start, tuple(walk)


def piece(graph: Graph, operator: StridedSlice) -> tuple[int, int] | None:
    """(first element, number of elements) of a slice that lies in its input in one piece, else None."""
    start, axes = slice_walk(graph, operator)
    if not axes:
        return start, 1
    return (start, axes[0][0]) if len(axes) == 1 and axes[0][1] == 1 else None
