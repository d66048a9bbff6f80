"""Rewrites of slices: a convolution computes only what is kept of it."""

from dataclasses import replace

from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import (
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Operator,
    Pad,
    Padding,
    Reshape,
    StridedSlice,
)
from ppg_deploy.graph.shapes import window_output, window_pads
from ppg_deploy.graph.slices import piece

Pair = tuple[int, int]


def fold_chomp(graph: Graph) -> Graph:
    """Padded convolution and a slice of its rows and columns -> convolution with fewer pads.

    That is how causal convolutions are written in PyTorch: pad both sides, then chomp the end. Left alone is a slice
    that keeps other channels only or starts behind the pads in front.
    """
    for operator in graph.operators:
        if not isinstance(operator, StridedSlice):
            continue
        producer = graph.producer(operator.inputs[0])
        if not isinstance(producer, Conv2D | DepthwiseConv2D) or not _is_chomp(graph, operator):
            continue
        pads = _remaining_pads(graph, producer, operator)
        if pads is None:
            continue
        return _folded(graph, producer, operator, pads)
    return graph


def _is_chomp(graph: Graph, part: StridedSlice) -> bool:
    source = part.inputs[0]
    shape = graph.tensors[source].shape
    only_reader = len(graph.consumers(source)) == 1 and source not in graph.outputs
    same_shape = len(shape) == len(graph.tensors[part.output].shape) == 4
    return (
        only_reader
        and same_shape
        and set(part.strides) == {1}
        and (part.begin[3], part.end[3]) == (0, shape[3])
    )


def _padding(graph: Graph, convolution: Conv2D | DepthwiseConv2D) -> tuple[str, tuple[Pair, Pair]]:
    """(unpadded input, pads of rows and columns) of a convolution, a PAD in front of it included."""
    source = convolution.inputs[0]
    pad = graph.producer(source)
    if convolution.padding is Padding.VALID:
        if isinstance(pad, Pad) and pad.pads[0] == pad.pads[3] == (0, 0):
            return pad.inputs[0], (pad.pads[1], pad.pads[2])
        return source, ((0, 0), (0, 0))
    shape, kernel = graph.tensors[source].shape, graph.tensors[convolution.inputs[1]].shape
    rows, columns = (
        window_pads(
            shape[axis + 1],
            kernel[axis + 1],
            convolution.stride[axis],
            convolution.dilation[axis],
            Padding.SAME,
        )
        for axis in (0, 1)
    )
    return source, (rows, columns)


def _remaining_pads(
    graph: Graph, convolution: Conv2D | DepthwiseConv2D, part: StridedSlice
) -> tuple[Pair, Pair] | None:
    """Pads with which the convolution gives just the kept part; None when no pads do."""
    source, pads = _padding(graph, convolution)
    shape, kernel = graph.tensors[source].shape, graph.tensors[convolution.inputs[1]].shape
    remaining: list[Pair] = []
    for axis in (0, 1):
        stride, dilation = convolution.stride[axis], convolution.dilation[axis]
        extent = (kernel[axis + 1] - 1) * dilation + 1
        first, count = part.begin[axis + 1], part.end[axis + 1] - part.begin[axis + 1]
        before = pads[axis][0] - first * stride
        after = max((count - 1) * stride + extent - shape[axis + 1] - before, 0)
        padded = shape[axis + 1] + before + after
        if before < 0 or window_output(padded, kernel[axis + 1], stride, dilation, Padding.VALID) != count:
            return None
        remaining.append((before, after))
    return remaining[0], remaining[1]


def _folded(
    graph: Graph, convolution: Conv2D | DepthwiseConv2D, part: StridedSlice, pads: tuple[Pair, Pair]
) -> Graph:
    source, _ = _padding(graph, convolution)
    tensors = dict(graph.tensors)
    added: list[Operator] = []
    if pads != ((0, 0), (0, 0)):
        _, rows, columns, channels = tensors[source].shape
        padded = f"{part.output}/pad"
        shape = (1, rows + sum(pads[0]), columns + sum(pads[1]), channels)
        tensors[padded] = Tensor(padded, shape, DType.FLOAT32)
        added.append(Pad(inputs=(source,), outputs=(padded,), pads=((0, 0), *pads, (0, 0))))
        source = padded
    added.append(
        replace(
            convolution,
            inputs=(source, *convolution.inputs[1:]),
            outputs=part.outputs,
            padding=Padding.VALID,
        )
    )
    operators: list[Operator] = []
    for operator in graph.operators:
        if operator is convolution:
            operators.extend(added)
        elif operator is not part:
            operators.append(operator)
    return replace(graph, tensors=tensors, operators=tuple(operators))


def pick_part(graph: Graph) -> Graph:
    """A slice of a concatenation that is one of its parts becomes that part: the last state of a recurrent layer."""
    for operator in graph.operators:
        if not isinstance(operator, StridedSlice):
            continue
        lies = piece(graph, operator)
        part = None if lies is None else _part_at(graph, operator.inputs[0], *lies)
        if part is not None:
            view = Reshape(inputs=(part,), outputs=operator.outputs)
            operators = tuple(view if other is operator else other for other in graph.operators)
            return replace(graph, operators=operators)
    return graph


def _part_at(graph: Graph, tensor: str, first: int, size: int) -> str | None:
    """The concatenated activation that makes up elements first ... first + size - 1 of a tensor, if one does."""
    producer = graph.producer(tensor)
    if isinstance(producer, Reshape):
        return _part_at(graph, producer.inputs[0], first, size)
    if not isinstance(producer, Concatenation):
        return None
    if any(length > 1 for length in graph.tensors[tensor].shape[: producer.axis]):
        return None
    for name in producer.inputs:
        length = graph.tensors[name].size
        if (first, size) == (0, length):
            return None if graph.tensors[name].is_constant else name
        if first + size <= length:
            return _part_at(graph, name, first, size)
        first -= length
        if first < 0:
            return None
    return None


def drop_unread(graph: Graph) -> Graph:
    """Without operators whose results nobody reads: unused parts of a split, pads of a folded convolution."""
    wanted = set(graph.outputs)
    kept: list[Operator] = []
    for operator in reversed(graph.operators):
        if wanted & set(operator.outputs):
            kept.append(operator)
            wanted.update(operator.inputs)
    if len(kept) == len(graph.operators):
        return graph
    return replace(graph, operators=tuple(reversed(kept)))
