"""What attention is made of: products of two activations."""

import math

from ppg_deploy.convert.builder import GraphBuilder, Node, Value
from ppg_deploy.convert.convolution import convert_dense_matmul
from ppg_deploy.convert.layout import Layout
from ppg_deploy.graph.operators import BatchMatMul


def convert_matmul(node: Node, builder: GraphBuilder) -> None:
    """x @ w with a constant two-dimensional w, or the product of two activations."""
    if all(name in builder.values for name in node.inputs):
        _emit_product(node, builder)
    else:
        convert_dense_matmul(node, builder)


def _emit_product(node: Node, builder: GraphBuilder) -> None:
    first, second = builder.value(node, 0), builder.value(node, 1)
    rank = len(first.shape)
    if rank < 2 or len(second.shape) != rank or first.shape[:-2] != second.shape[:-2]:
        raise node.unsupported(
            f"product of activations of shapes {first.shape} and {second.shape}",
            "give both operands the same leading axes, as scaled_dot_product_attention does",
        )
    batches = math.prod(first.shape[:-2])
    # The second operand's summed axis innermost is what the kernel reads without turning it.
    left, adjoint_first = _as_matrices(builder, first, prefer_turned=False)
    right, adjoint_second = _as_matrices(builder, second, prefer_turned=True)
    shape = (*first.shape[:-1], second.shape[-1])
    output = builder.new_tensor(node.outputs[0], (1, batches, *shape[-2:]))
    builder.emit(
        BatchMatMul(
            inputs=(left, right),
            outputs=(output,),
            adjoint_first=adjoint_first,
            adjoint_second=adjoint_second,
        )
    )
    builder.define(node.outputs[0], output, Layout.row_major(shape))


def _as_matrices(builder: GraphBuilder, value: Value, *, prefer_turned: bool) -> tuple[str, bool]:
    """(tensor (1, batches, rows, columns), False), or with rows and columns swapped and True."""
    rank = len(value.shape)
    straight = tuple(range(rank))
    turned = (*range(rank - 2), rank - 1, rank - 2)
    orders = (turned, straight) if prefer_turned else (straight, turned)
    lying = [order for order in orders if value.layout.stored(order).memory == value.layout.memory]
    order = lying[0] if lying else orders[0]
    stored = builder.stored(value, order)
    matrix = (value.shape[order[-2]], value.shape[order[-1]])
    tensor = builder.viewed(stored, (1, math.prod(value.shape[:-2]), *matrix))
    return tensor, order == turned
