"""BatchNormalization, Add, Sub, Mul, Div, Relu, Clip."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.broadcast import Aligned, align, align_constant
from ppg_deploy.convert.builder import GraphBuilder, Node, Value
from ppg_deploy.graph.operators import Activation, Add, MaxPool2D, Mul, Sub

Floats = NDArray[np.float32]
_MAX_RANK = 4


def convert_batch_normalization(node: Node, builder: GraphBuilder) -> None:
    """Inference form: a scale and an offset per channel."""
    scale, offset, mean, variance = (
        builder.required_constant(node, index, "parameters").astype(np.float64) for index in range(1, 5)
    )
    channels = builder.value(node, 0).shape[1:2]
    if any(values.shape != channels for values in (scale, offset, mean, variance)):
        raise node.unsupported(f"{scale.size} scales for {channels} channels", "export the model again")
    if (variance + node.attributes.get("epsilon", 1e-5) <= 0).any():
        raise node.unsupported("a negative variance", "export the model again in evaluation mode")
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    _emit_affine(
        node,
        builder,
        builder.value(node, 0),
        1,
        factor.astype(np.float32),
        (offset - mean * factor).astype(np.float32),
    )


def _emit_affine(
    node: Node, builder: GraphBuilder, value: Value, axis: int, scale: Floats, offset: Floats
) -> None:
    """scale * x + offset along an ONNX axis."""
    name = node.outputs[0]
    layout = value.layout
    if layout.ends_with(axis):
        shape = builder.tensors[value.tensor].shape
        size = value.shape[axis]
        is_image = len(shape) == 4 and shape[3] == size
        source = value.tensor if is_image else builder.rows(value, axis)[0]
    elif len(value.shape) == 2:
        # A flattened signal: every element is a channel of its own, in memory order.
        order = layout.element_order()
        source = builder.viewed(value, (1, 1, 1, len(order)))
        scale, offset = (
            np.broadcast_to(vector, value.shape).reshape(-1)[order] for vector in (scale, offset)
        )
    else:
        stored = builder.innermost(value, axis)
        source, layout = builder.rows(stored, axis)
    builder.define(name, builder.affine(name, source, scale, offset), layout)


def _emit_uniform(node: Node, builder: GraphBuilder, value: Value, scale: float, offset: float) -> None:
    """The same scale and offset for every element, in whatever order they lie."""
    shape = builder.tensors[value.tensor].shape
    is_image = len(shape) == 4 and shape[0] == 1
    rows = (1, 1, int(np.prod(shape)) // shape[-1], shape[-1])
    source = value.tensor if is_image else builder.viewed(value, rows)
    channels = builder.tensors[source].shape[3]
    vectors = np.full(channels, scale, np.float32), np.full(channels, offset, np.float32)
    builder.define(node.outputs[0], builder.affine(node.outputs[0], source, *vectors), value.layout)


def _varying_axis(constant: NDArray[np.generic], shape: tuple[int, ...]) -> int | None:
    """The only axis of an activation along which a constant operand varies; None when there are several."""
    if constant.ndim > len(shape):
        return None
    padded = (1,) * (len(shape) - constant.ndim) + constant.shape
    varying = [axis for axis, size in enumerate(padded) if size > 1]
    return varying[0] if len(varying) == 1 and padded[varying[0]] == shape[varying[0]] else None


def convert_add(node: Node, builder: GraphBuilder) -> None:
    """Sum of two activations, or an offset."""
    constant, value = _constant_and_value(node, builder)
    if constant is None:
        _emit_pair(node, builder, Add)
    else:
        _emit_with_constant(node, builder, value, np.ones(1, np.float32), constant)


def convert_sub(node: Node, builder: GraphBuilder) -> None:
    """Difference of two activations, or of an activation and a constant, either way round."""
    constant, value = _constant_and_value(node, builder)
    if constant is None:
        _emit_pair(node, builder, Sub)
    elif builder.constant(node, 0) is None:
        _emit_with_constant(node, builder, value, np.ones(1, np.float32), -constant)
    else:
        _emit_with_constant(node, builder, value, -np.ones(1, np.float32), constant)


def convert_mul(node: Node, builder: GraphBuilder) -> None:
    """Product of two activations, or a scale."""
    constant, value = _constant_and_value(node, builder)
    if constant is None:
        _emit_pair(node, builder, Mul)
    else:
        _emit_with_constant(node, builder, value, constant, np.zeros(1, np.float32))


def convert_div(node: Node, builder: GraphBuilder) -> None:
    """Division by a constant."""
    divisor = builder.required_constant(node, 1, "divisors").astype(np.float32)
    _emit_with_constant(
        node, builder, builder.value(node, 0), (1.0 / divisor).astype(np.float32), np.zeros(1, np.float32)
    )


def _constant_and_value(node: Node, builder: GraphBuilder) -> tuple[Floats | None, Value]:
    first, second = builder.constant(node, 0), builder.constant(node, 1)
    constant = first if second is None else second
    value = builder.value(node, 1 if first is not None else 0)
    return (None if constant is None else constant.astype(np.float32)), value


def _emit_with_constant(
    node: Node, builder: GraphBuilder, value: Value, scale: Floats, offset: Floats
) -> None:
    """scale * x + offset, of which at most one is more than a number."""
    constant = scale if scale.size > 1 else offset
    if constant.size == 1:
        _emit_uniform(node, builder, value, float(scale.reshape(-1)[0]), float(offset.reshape(-1)[0]))
        return
    axis = _varying_axis(constant, value.shape)
    if axis is not None and (value.layout.ends_with(axis) or len(value.shape) == 2):
        size = value.shape[axis]
        vectors = (
            np.array(np.broadcast_to(part.reshape(-1), (size,)), np.float32) for part in (scale, offset)
        )
        _emit_affine(node, builder, value, axis, *vectors)
        return
    if scale.size == 1 and scale.reshape(-1)[0] != 1.0:
        raise node.unsupported("a constant of this shape minus an activation", "subtract the other way round")
    operator = Mul if scale.size > 1 else Add
    aligned = align_constant(node, builder, value, constant)
    output = builder.new_tensor(node.outputs[0], aligned.shape)
    builder.emit(operator(inputs=aligned.tensors, outputs=(output,)))
    builder.define(node.outputs[0], output, aligned.layout)


def _emit_pair(node: Node, builder: GraphBuilder, operator: type[Add] | type[Mul] | type[Sub]) -> None:
    first, second = builder.value(node, 0), builder.value(node, 1)
    same = first.shape == second.shape and first.layout == second.layout
    shapes = {builder.tensors[value.tensor].shape for value in (first, second)}
    if same and len(shapes) == 1 and len(next(iter(shapes))) <= _MAX_RANK:
        aligned = Aligned((first.tensor, second.tensor), next(iter(shapes)), first.layout)
    else:
        aligned = align(node, builder, first, second)
    output = builder.new_tensor(node.outputs[0], aligned.shape)
    builder.emit(operator(inputs=aligned.tensors, outputs=(output,)))
    builder.define(node.outputs[0], output, aligned.layout)


def convert_relu(node: Node, builder: GraphBuilder) -> None:
    """Relu."""
    _emit_clamp(node, builder, Activation.RELU)


def convert_clip(node: Node, builder: GraphBuilder) -> None:
    """Clip to [0, 6] or [0, infinity)."""
    low, high = (_limit(node, builder, index, name) for index, name in ((1, "min"), (2, "max")))
    if low != 0.0 or high not in (6.0, None):
        raise node.unsupported(f"limits {low} and {high}", "only ReLU and ReLU6 can be deployed")
    _emit_clamp(node, builder, Activation.RELU if high is None else Activation.RELU6)


def _limit(node: Node, builder: GraphBuilder, index: int, attribute: str) -> float | None:
    constant = builder.constant(node, index)
    value = node.attributes.get(attribute) if constant is None else float(constant.reshape(-1)[0])
    if value is None or abs(value) > 1e30:
        return None
    return float(value)


def _emit_clamp(node: Node, builder: GraphBuilder, activation: Activation) -> None:
    """A 1x1 maximum pool with a fused activation: exact in int8, and cleanup moves it into its producer."""
    value = builder.value(node, 0)
    shape = builder.tensors[value.tensor].shape
    source = value.tensor if len(shape) == 4 else builder.viewed(value, (1, 1, 1, int(np.prod(shape))))
    output = builder.new_tensor(node.outputs[0], builder.tensors[source].shape)
    builder.emit(
        MaxPool2D(inputs=(source,), outputs=(output,), filter=(1, 1), stride=(1, 1), activation=activation)
    )
    builder.define(node.outputs[0], output, value.layout)
