"""Means over axes that are not the rows and columns of an image: time steps of a sequence, or channels."""

import math

from ppg_deploy.convert.builder import GraphBuilder, Node, Value
from ppg_deploy.convert.layout import Layout
from ppg_deploy.graph.operators import AveragePool2D, Mean


def emit_sequence_mean(
    node: Node, builder: GraphBuilder, value: Value, axes: tuple[int, ...], *, keep: bool
) -> None:
    """The mean as an average pool where the averaged axes lie side by side in front of others, else as MEAN.

    A pool keeps its input's scale; MEAN, along the innermost axis, gets one of its own.
    """
    averaged = {factor for axis in axes for factor in value.layout.factors_of(axis)}
    before, after = _around(value.layout, averaged)
    if before is None:
        order = tuple(axis for axis in value.layout.memory_order() if axis not in axes)
        value = builder.stored(value, (*order, *axes))
        before, after = _around(value.layout, averaged)
        assert before is not None
    count = math.prod(value.layout.factors[factor] for factor in averaged)
    name = node.outputs[0]
    if after > 1:
        source = builder.viewed(value, (1, before, count, after))
        output = builder.new_tensor(name, (1, before, 1, after))
        builder.emit(AveragePool2D(inputs=(source,), outputs=(output,), filter=(1, count), stride=(1, count)))
    else:
        source = builder.viewed(value, (1, 1, before, count))
        output = builder.new_tensor(name, (1, 1, before, 1))
        builder.emit(Mean(inputs=(source,), outputs=(output,), axes=(3,)))
    layout = value.layout
    for axis in axes:
        layout = layout.with_axis(axis, 1)
    if not keep:
        layout = layout.reshaped(tuple(size for axis, size in enumerate(layout.shape) if axis not in axes))
    builder.define(name, output, layout)


def _around(layout: Layout, averaged: set[int]) -> tuple[int | None, int]:
    """(elements in front of, behind the averaged factors in memory), or (None, 0) when others lie between."""
    places = [place for place, factor in enumerate(layout.memory) if factor in averaged]
    first, last = (places[0], places[-1]) if places else (len(layout.memory), len(layout.memory) - 1)
    if last - first + 1 != len(places):
        return None, 0
    sizes = [layout.factors[factor] for factor in layout.memory]
    return math.prod(sizes[:first]), math.prod(sizes[last + 1 :])
