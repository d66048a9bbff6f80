"""Slice, Split, Gather of constant positions, Concat."""

import numpy as np

from ppg_deploy.convert.builder import GraphBuilder, Node, Value
from ppg_deploy.convert.layout import Layout, LayoutError
from ppg_deploy.graph.operators import (
    Concatenation,
    L2Normalization,
    Logistic,
    Operator,
    Pad,
    Pool2D,
    Reshape,
    Softmax,
    StridedSlice,
    Tanh,
    Transpose,
)

_GRAPH_RANK = 4
# Their int8 outputs have one possible scale; what moves data hands a scale on.
_FIXED_SCALE = (Logistic, Tanh, Softmax, L2Normalization)
_MOVES = (Reshape, Pad, StridedSlice, Concatenation, Transpose, Pool2D)
# Most inputs of TFLM's CONCATENATION.
_MAX_PARTS = 10
# (begin, end, step) of an axis.
Bounds = tuple[int, int, int]


def convert_slice(node: Node, builder: GraphBuilder) -> None:
    """Slice with constant, positive steps."""
    value = builder.value(node, 0)
    bounds = [(0, size, 1) for size in value.shape]
    if "starts" in node.attributes:
        starts, ends = list(node.attributes["starts"]), list(node.attributes["ends"])
        axes = list(node.attributes.get("axes", range(len(starts))))
        steps = [1] * len(starts)
    else:
        starts = builder.required_constant(node, 1, "starts").reshape(-1).tolist()
        ends = builder.required_constant(node, 2, "ends").reshape(-1).tolist()
        axes = _optional(node, builder, 3, list(range(len(starts))))
        steps = _optional(node, builder, 4, [1] * len(starts))
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if step < 1:
            raise node.unsupported(
                f"step {step}", "only positive steps can be deployed; flip the data instead"
            )
        size = value.shape[axis]
        bounds[axis % len(value.shape)] = (_bounded(start, size), _bounded(end, size), step)
    _emit_slice(node, builder, node.outputs[0], bounds)


def _optional(node: Node, builder: GraphBuilder, index: int, default: list[int]) -> list[int]:
    if index >= len(node.inputs) or not node.inputs[index]:
        return default
    return [int(item) for item in builder.required_constant(node, index, "axes and steps").reshape(-1)]


def _bounded(index: int, size: int) -> int:
    return min(max(index + size if index < 0 else index, 0), size)


def convert_split(node: Node, builder: GraphBuilder) -> None:
    """Split into parts of constant sizes: one slice each."""
    value = builder.value(node, 0)
    axis = int(node.attributes.get("axis", 0)) % len(value.shape)
    size, count = value.shape[axis], len(node.outputs)
    sizes = node.attributes.get("split")
    if sizes is None:
        sizes = _optional(node, builder, 1, [])
    if not sizes:
        # The last part is the smaller one where the axis does not divide.
        whole = -(-size // count)
        sizes = [min(whole, size - number * whole) for number in range(count)]
    begin = 0
    for name, part in zip(node.outputs, sizes, strict=True):
        bounds = [(0, full, 1) for full in value.shape]
        bounds[axis] = (begin, begin + int(part), 1)
        begin += int(part)
        if name:
            _emit_slice(node, builder, name, bounds)


def convert_gather(node: Node, builder: GraphBuilder) -> None:
    """Gather of one constant position (the axis goes), or of evenly spaced ones."""
    value = builder.value(node, 0)
    axis = int(node.attributes.get("axis", 0)) % len(value.shape)
    indices = builder.required_constant(node, 1, "indices")
    size = value.shape[axis]
    positions = [int(index) % size for index in indices.reshape(-1)]
    step = positions[1] - positions[0] if len(positions) > 1 else 1
    if indices.ndim > 1 or step < 1 or positions != list(range(positions[0], positions[-1] + 1, step)):
        raise node.unsupported("positions that are not evenly spaced", "use a slice")
    bounds = [(0, full, 1) for full in value.shape]
    bounds[axis] = (positions[0], positions[-1] + 1, step)
    name = node.outputs[0]
    _emit_slice(node, builder, name, bounds)
    if indices.ndim == 0:
        kept = builder.values[name]
        shape = tuple(full for number, full in enumerate(kept.shape) if number != axis)
        builder.define(name, kept.tensor, kept.layout.reshaped(shape))


def memory_order(layout: Layout) -> tuple[int, ...]:
    """ONNX axes in memory order, slowest first; those of size 1 come first.

    Raises:
        LayoutError: the elements of an axis do not lie one behind the other.
    """
    first = np.cumsum([0, *(len(axis) for axis in layout.axes)])
    order = [axis for axis, factors in enumerate(layout.axes) if not factors]
    position = 0
    while position < len(layout.memory):
        axis = int(np.searchsorted(first, layout.memory[position], side="right")) - 1
        count = len(layout.axes[axis])
        if layout.memory[position : position + count] != tuple(range(first[axis], first[axis] + count)):
            raise LayoutError(f"the axes of {layout.shape} are interleaved in memory")
        order.append(axis)
        position += count
    return tuple(order)


def _emit_slice(node: Node, builder: GraphBuilder, name: str, bounds: list[Bounds]) -> None:
    value = builder.value(node, 0)
    sizes = [len(range(*bound)) for bound in bounds]
    if min(sizes) < 1:
        raise node.unsupported("an empty part", "keep at least one element of every axis")
    if tuple(sizes) == value.shape:
        builder.define(name, value.tensor, value.layout)
        return
    order = memory_order(value.layout)
    source, axes = _stored(builder, value, order)
    graph_bounds: list[Bounds] = [(0, size, 1) for size in builder.tensors[source].shape]
    for onnx_axis, graph_axis in axes.items():
        graph_bounds[graph_axis] = bounds[onnx_axis]
    begin, end, strides = zip(*graph_bounds, strict=True)
    output = builder.new_tensor(name, tuple(len(range(*bound)) for bound in graph_bounds))
    builder.emit(StridedSlice(inputs=(source,), outputs=(output,), begin=begin, end=end, strides=strides))
    builder.define(name, output, Layout.ordered(tuple(sizes), order))


def _stored(builder: GraphBuilder, value: Value, order: tuple[int, ...]) -> tuple[str, dict[int, int]]:
    """A graph tensor with one axis per ONNX axis larger than 1, and which is which."""
    long_axes = [axis for axis in order if value.shape[axis] > 1]
    sizes = tuple(value.shape[axis] for axis in long_axes)
    source, shape = value.tensor, builder.tensors[value.tensor].shape
    if tuple(size for size in shape if size > 1) != sizes:
        if len(sizes) > _GRAPH_RANK:
            raise LayoutError(f"an activation of shape {value.shape} has more than {_GRAPH_RANK} axes")
        shape = (1,) * (_GRAPH_RANK - len(sizes)) + sizes
        source = builder.viewed(value, shape)
    places = [place for place, size in enumerate(shape) if size > 1]
    return source, dict(zip(long_axes, places, strict=True))


def convert_concat(node: Node, builder: GraphBuilder) -> None:
    """Concat of activations; constant zeros at either end are padding."""
    named = [name for name in node.inputs if name]
    values = [builder.values.get(name) for name in named]
    known = [value for value in values if value is not None]
    if not known:
        raise node.unsupported("all its inputs are constants", "fold the constant part of the model")
    rank = len(known[0].shape)
    axis = int(node.attributes["axis"]) % rank
    order = _common_order([value.layout for value in known], axis)
    sources = [_in_order(builder, value, order) for value in known]
    if len({_fixed_kind(builder, source) for source in sources}) > 1:
        sources = [_rescaled(builder, source) for source in sources]
    shape = builder.tensors[sources[0]].shape
    graph_axis = len(shape) - rank + order.index(axis)
    if len(known) == len(values):
        output = concatenated(builder, node.outputs[0], sources, graph_axis)
    else:
        output = _padded(node, builder, named, sources, graph_axis, axis)
    sizes = list(known[0].shape)
    sizes[axis] = builder.tensors[output].shape[graph_axis]
    builder.define(node.outputs[0], output, Layout.ordered(tuple(sizes), order))


def _fixed_kind(builder: GraphBuilder, tensor: str) -> type[Operator] | None:
    """The operator with int8 output parameters of its own whose codes a tensor holds, if there is one."""
    producer = next(
        (operator for operator in reversed(builder.operators) if tensor in operator.outputs), None
    )
    if isinstance(producer, _FIXED_SCALE):
        return type(producer)
    return _fixed_kind(builder, producer.inputs[0]) if isinstance(producer, _MOVES) else None


def _rescaled(builder: GraphBuilder, source: str) -> str:
    """A tensor in a scale that may be shared: behind a fixed one stands a multiplication by 1."""
    if _fixed_kind(builder, source) is None:
        return source
    channels = builder.tensors[source].shape[-1]
    return builder.affine(
        f"{source}/rescaled", source, np.ones(channels, np.float32), np.zeros(channels, np.float32)
    )


def concatenated(builder: GraphBuilder, name: str, sources: list[str], axis: int) -> str:
    """One or more CONCATENATIONs; returns the whole."""
    while len(sources) > _MAX_PARTS:
        groups = [sources[first : first + _MAX_PARTS] for first in range(0, len(sources), _MAX_PARTS)]
        sources = [concatenated(builder, f"{name}/part", group, axis) for group in groups]
    if len(sources) == 1:
        return sources[0]
    shape = builder.tensors[sources[0]].shape
    total = sum(builder.tensors[source].shape[axis] for source in sources)
    output = builder.new_tensor(name, (*shape[:axis], total, *shape[axis + 1 :]))
    builder.emit(Concatenation(inputs=tuple(sources), outputs=(output,), axis=axis))
    return output


def _common_order(layouts: list[Layout], axis: int) -> tuple[int, ...]:
    """Memory order in which all inputs lie; free where an axis has size 1 in all of them.

    Raises:
        LayoutError: the inputs lie in different orders.
    """
    rank = len(layouts[0].shape)
    # The input in which most axes are longer than 1 says most about the order.
    fullest = max(layouts, key=lambda layout: sum(size > 1 for size in layout.shape))
    long_axes = [number for number in memory_order(fullest) if fullest.shape[number] > 1]
    if axis not in long_axes:
        # A new axis: channels come last as everywhere in the graph, any other axis where ONNX has it.
        is_channels = axis == 1 and rank > 2
        place = len(long_axes) if is_channels else sum(number < axis for number in long_axes)
        long_axes.insert(place, axis)
    order = [number for number in range(rank) if number not in long_axes] + long_axes
    for layout in layouts:
        own = [number for number in memory_order(layout) if layout.shape[number] > 1]
        if own != [number for number in order if layout.shape[number] > 1]:
            raise LayoutError("the operands lie in different orders")
    return tuple(order)


def _in_order(builder: GraphBuilder, value: Value, order: tuple[int, ...]) -> str:
    shape = tuple(value.shape[axis] for axis in order)
    if len(shape) > _GRAPH_RANK:
        raise LayoutError(f"an activation of shape {value.shape} has more than {_GRAPH_RANK} axes")
    return builder.viewed(value, (1,) * (_GRAPH_RANK - len(shape)) + shape)


def _padded(
    node: Node, builder: GraphBuilder, named: list[str], sources: list[str], graph_axis: int, axis: int
) -> str:
    """One activation between constant zeros."""
    amounts = [0, 0]
    for name in named:
        if name in builder.values:
            continue
        constant = builder.constants.get(name)
        if len(sources) != 1 or constant is None or np.any(constant):
            raise node.unsupported(
                "a constant input other than zeros", "add constants by a convolution's bias"
            )
        after = named.index(name) > next(i for i, other in enumerate(named) if other in builder.values)
        amounts[int(after)] += constant.shape[axis]
    (source,) = sources
    pads = [(0, 0)] * _GRAPH_RANK
    pads[graph_axis] = (amounts[0], amounts[1])
    shape = tuple(size + sum(pair) for size, pair in zip(builder.tensors[source].shape, pads, strict=True))
    output = builder.new_tensor(node.outputs[0], shape)
    builder.emit(Pad(inputs=(source,), outputs=(output,), pads=tuple(pads)))
    return output
