"""Operators that only change how a signal is seen: reshapes, transposes, flattening, padding."""

import math

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.convert.layout import Layout
from ppg_deploy.graph.operators import Pad


def convert_identity(node: Node, builder: GraphBuilder) -> None:
    """Identity, and Dropout at inference."""
    value = builder.value(node, 0)
    builder.define(node.outputs[0], value.tensor, value.layout)


def convert_transpose(node: Node, builder: GraphBuilder) -> None:
    """Transpose: bookkeeping only."""
    value = builder.value(node, 0)
    permutation = tuple(node.attributes.get("perm", range(len(value.shape) - 1, -1, -1)))
    builder.define(node.outputs[0], value.tensor, value.layout.transposed(permutation))


def _reshape(node: Node, builder: GraphBuilder, shape: tuple[int, ...]) -> None:
    value = builder.value(node, 0)
    builder.define(node.outputs[0], value.tensor, value.layout.reshaped(shape))


def convert_reshape(node: Node, builder: GraphBuilder) -> None:
    """Reshape with a constant target, 0 and -1 resolved."""
    old = builder.value(node, 0).shape
    wanted = [int(size) for size in builder.required_constant(node, 1, "target shape")]
    if not node.attributes.get("allowzero", 0):
        wanted = [old[axis] if size == 0 and axis < len(old) else size for axis, size in enumerate(wanted)]
    known = math.prod(size for size in wanted if size != -1)
    shape = tuple(math.prod(old) // max(known, 1) if size == -1 else size for size in wanted)
    _reshape(node, builder, shape)


def convert_flatten(node: Node, builder: GraphBuilder) -> None:
    """Flatten to two axes."""
    shape = builder.value(node, 0).shape
    axis = int(node.attributes.get("axis", 1)) % (len(shape) + 1)
    _reshape(node, builder, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def _axes(node: Node, builder: GraphBuilder) -> list[int] | None:
    if "axes" in node.attributes:
        return [int(axis) for axis in node.attributes["axes"]]
    constant = builder.constant(node, 1)
    return None if constant is None else [int(axis) for axis in constant.reshape(-1)]


def convert_squeeze(node: Node, builder: GraphBuilder) -> None:
    """Squeeze."""
    shape = builder.value(node, 0).shape
    axes = _axes(node, builder)
    dropped = (
        [axis for axis, size in enumerate(shape) if size == 1]
        if axes is None
        else [axis % len(shape) for axis in axes]
    )
    _reshape(node, builder, tuple(size for axis, size in enumerate(shape) if axis not in dropped))


def convert_unsqueeze(node: Node, builder: GraphBuilder) -> None:
    """Unsqueeze."""
    shape = list(builder.value(node, 0).shape)
    axes = _axes(node, builder)
    if axes is None:
        raise node.unsupported("computed axes", "use constant axes")
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    _reshape(node, builder, tuple(shape))


def convert_pad(node: Node, builder: GraphBuilder) -> None:
    """Zero padding of channels or signal."""
    value = builder.value(node, 0)
    rank = len(value.shape)
    if node.attributes.get("mode", "constant") != "constant":
        raise node.unsupported(f"mode {node.attributes['mode']}", "only zero padding can be deployed")
    fill = builder.constant(node, 2)
    if fill is not None and fill.size and float(fill.reshape(-1)[0]) != 0.0:
        raise node.unsupported(f"pads with {float(fill.reshape(-1)[0])}", "only zero padding can be deployed")
    pads = node.attributes.get("pads")
    if pads is None:
        pads = builder.required_constant(node, 1, "pads").tolist()
    axes = builder.constant(node, 3)
    padded_axes = list(range(rank)) if axes is None else [int(axis) % rank for axis in axes]
    amounts = {
        axis: (int(pads[position]), int(pads[position + len(padded_axes)]))
        for position, axis in enumerate(padded_axes)
    }
    if min(min(pair) for pair in amounts.values()) < 0 or amounts.get(0, (0, 0)) != (0, 0):
        raise node.unsupported("negative pads or a padded batch", "pad the signal or the channels by zeros")
    if not any(sum(pair) for pair in amounts.values()):
        convert_identity(node, builder)
        return
    source = builder.image(value)
    channels, width = amounts.get(1, (0, 0)), amounts.get(rank - 1, (0, 0))
    height = amounts.get(2, (0, 0)) if rank == 4 else (0, 0)
    graph_pads = ((0, 0), height, width, channels)
    shape = tuple(
        size + sum(pair) for size, pair in zip(builder.tensors[source].shape, graph_pads, strict=True)
    )
    output = builder.new_tensor(node.outputs[0], shape)
    builder.emit(Pad(inputs=(source,), outputs=(output,), pads=graph_pads))
    padded = tuple(size + sum(amounts.get(axis, (0, 0))) for axis, size in enumerate(value.shape))
    builder.define(node.outputs[0], output, Layout.channels_last(padded))
