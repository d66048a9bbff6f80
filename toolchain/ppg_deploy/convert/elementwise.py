"""BatchNormalization, Add, Sub, Mul, Div, Relu, Clip."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.builder import GraphBuilder, Node, Value, image_shape
from ppg_deploy.convert.layout import Layout, LayoutError
from ppg_deploy.graph.operators import Activation, Add, MaxPool2D, Mul

Floats = NDArray[np.float32]


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
    _emit_affine(node, builder, factor.astype(np.float32), (offset - mean * factor).astype(np.float32))


def _emit_affine(node: Node, builder: GraphBuilder, scale: Floats, offset: Floats) -> None:
    """scale * x + offset along the channel axis (ONNX axis 1)."""
    value = builder.value(node, 0) if node.inputs[0] in builder.values else builder.value(node, 1)
    name = node.outputs[0]
    try:
        source = builder.image(value)
    except LayoutError:
        # A flattened signal: every element is a channel of its own, in memory order.
        features = int(np.prod(value.shape))
        if len(value.shape) != 2:
            raise
        order = value.layout.element_order()
        source = builder.viewed(value, (1, 1, 1, features))
        scale, offset = scale[order], offset[order]
    output = builder.affine(name, source, scale, offset)
    builder.define(name, output, value.layout)


def _channel_vector(node: Node, constant: NDArray[np.generic], shape: tuple[int, ...]) -> Floats:
    """A constant operand as one number per channel (ONNX axis 1)."""
    padded = constant.astype(np.float32).reshape((1,) * (len(shape) - constant.ndim) + constant.shape)
    varying = [axis for axis, size in enumerate(padded.shape) if size > 1]
    if padded.ndim != len(shape) or varying not in ([], [1]):
        raise node.unsupported(
            f"constant operand of shape {constant.shape} for an activation of shape {shape}",
            "only one constant per channel can be deployed",
        )
    return np.array(np.broadcast_to(padded.reshape(-1), (shape[1],)), np.float32)


def convert_add(node: Node, builder: GraphBuilder) -> None:
    """Sum of two activations, or an offset per channel."""
    _emit_sum(node, builder, sign=1.0)


def convert_sub(node: Node, builder: GraphBuilder) -> None:
    """Activation minus constant, or constant minus activation."""
    _emit_sum(node, builder, sign=-1.0)


def _emit_sum(node: Node, builder: GraphBuilder, sign: float) -> None:
    first, second = builder.constant(node, 0), builder.constant(node, 1)
    if first is None and second is None:
        if sign < 0:
            raise node.unsupported(
                "difference of two activations", "negate one branch by its weights and add"
            )
        _emit_pair(node, builder, Add)
    elif second is not None:
        value = builder.value(node, 0)
        offset = _channel_vector(node, second, value.shape) * np.float32(sign)
        _emit_affine(node, builder, np.ones_like(offset), offset)
    else:
        assert first is not None
        offset = _channel_vector(node, first, builder.value(node, 1).shape)
        _emit_affine(node, builder, np.full_like(offset, sign), offset)


def convert_mul(node: Node, builder: GraphBuilder) -> None:
    """Product of two activations, or a scale per channel."""
    first, second = builder.constant(node, 0), builder.constant(node, 1)
    constant = first if second is None else second
    if constant is None:
        _emit_pair(node, builder, Mul)
        return
    value = builder.value(node, 0 if second is not None else 1)
    scale = _channel_vector(node, constant, value.shape)
    _emit_affine(node, builder, scale, np.zeros_like(scale))


def convert_div(node: Node, builder: GraphBuilder) -> None:
    """Division by a constant per channel."""
    divisor = builder.required_constant(node, 1, "divisors")
    scale = 1.0 / _channel_vector(node, divisor, builder.value(node, 0).shape)
    _emit_affine(node, builder, scale.astype(np.float32), np.zeros_like(scale))


def _emit_pair(node: Node, builder: GraphBuilder, operator: type[Add] | type[Mul]) -> None:
    first, second = builder.value(node, 0), builder.value(node, 1)
    first_shape, second_shape = _graph_shape(first), _graph_shape(second)
    broadcast = np.broadcast_shapes(first.shape, second.shape)
    if first.shape != broadcast and second.shape != broadcast:
        raise node.unsupported(f"shapes {first.shape} and {second.shape}", "repeat one operand explicitly")
    largest = first if first.shape == broadcast else second
    if first.shape == second.shape and not first.layout.same_order(second.layout):
        raise LayoutError("the operands lie in different orders")
    inputs = (builder.viewed(first, first_shape), builder.viewed(second, second_shape))
    output = builder.new_tensor(node.outputs[0], _graph_shape(largest))
    builder.emit(operator(inputs=inputs, outputs=(output,)))
    builder.define(node.outputs[0], output, largest.layout)


def _graph_shape(value: Value) -> tuple[int, ...]:
    if len(value.shape) in (3, 4) and value.layout.same_order(Layout.channels_last(value.shape)):
        return image_shape(value.shape)
    if len(value.shape) == 2:
        return (1, int(np.prod(value.shape)))
    raise LayoutError(f"an activation of shape {value.shape} is not stored channels-last")


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
