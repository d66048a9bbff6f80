"""Sigmoid, Tanh, Elu, LeakyRelu, PRelu, HardSwish, Gelu, Softmax."""

import math

import numpy as np

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.graph.operators import Elu, Gelu, HardSwish, LeakyRelu, Logistic, Softmax, Tanh, Unary


def _emit(node: Node, builder: GraphBuilder, operator: type[Unary], **fields: float | bool) -> None:
    value = builder.value(node, 0)
    output = builder.new_tensor(node.outputs[0], builder.tensors[value.tensor].shape)
    builder.emit(operator(inputs=(value.tensor,), outputs=(output,), **fields))
    builder.define(node.outputs[0], output, value.layout)


def convert_sigmoid(node: Node, builder: GraphBuilder) -> None:
    """Sigmoid."""
    _emit(node, builder, Logistic)


def convert_tanh(node: Node, builder: GraphBuilder) -> None:
    """Tanh."""
    _emit(node, builder, Tanh)


def convert_elu(node: Node, builder: GraphBuilder) -> None:
    """Elu with alpha 1; `prepare` has spelt out any other."""
    _emit(node, builder, Elu)


def convert_hard_swish(node: Node, builder: GraphBuilder) -> None:
    """HardSwish."""
    _emit(node, builder, HardSwish)


def convert_gelu(node: Node, builder: GraphBuilder) -> None:
    """Gelu, exact or with the hyperbolic tangent."""
    _emit(node, builder, Gelu, approximate=node.attributes.get("approximate", "none") == "tanh")


def convert_leaky_relu(node: Node, builder: GraphBuilder) -> None:
    """LeakyRelu."""
    _emit(node, builder, LeakyRelu, alpha=float(node.attributes.get("alpha", 0.01)))


def convert_prelu(node: Node, builder: GraphBuilder) -> None:
    """PRelu with one trained slope for all channels."""
    slopes = np.unique(builder.required_constant(node, 1, "slopes").astype(np.float32))
    if slopes.size != 1:
        raise node.unsupported(
            f"{slopes.size} different slopes",
            "train with one slope for all channels: nn.PReLU(num_parameters=1)",
        )
    _emit(node, builder, LeakyRelu, alpha=float(slopes[0]))


def convert_softmax(node: Node, builder: GraphBuilder) -> None:
    """Softmax inside the model; its axis is moved innermost in memory where it lies elsewhere."""
    value = builder.value(node, 0)
    layout = value.layout
    rank = len(value.shape)
    first = int(node.attributes.get("axis", -1)) % rank
    # Before opset 13 all axes from the given one on formed one row.
    axes = range(first, rank) if node.attributes.get("flattens", 0) else range(first, first + 1)
    starts = np.cumsum([0, *(len(factors) for factors in layout.axes)])
    wanted = {int(number) for axis in axes for number in range(starts[axis], starts[axis + 1])}
    innermost = set(layout.memory[len(layout.memory) - len(wanted) :])
    if wanted != innermost:
        others = tuple(axis for axis in layout.memory_order() if axis not in axes)
        value = builder.stored(value, (*others, *axes))
        layout = value.layout
    columns = math.prod(value.shape[axis] for axis in axes)
    source = builder.viewed(value, (1, 1, math.prod(value.shape) // columns, columns))
    output = builder.new_tensor(node.outputs[0], builder.tensors[source].shape)
    builder.emit(Softmax(inputs=(source,), outputs=(output,)))
    builder.define(node.outputs[0], output, layout)
