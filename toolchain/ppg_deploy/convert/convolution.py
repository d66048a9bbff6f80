"""Conv, Gemm, MatMul."""

import math

import numpy as np

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.convert.layout import Layout
from ppg_deploy.convert.spatial import explicitly_padded, read_window
from ppg_deploy.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Padding


def convert_conv(node: Node, builder: GraphBuilder) -> None:
    """Conv with kernel (k,) or (h, w); ONNX weights are (out, in / groups, *kernel)."""
    value = builder.value(node, 0)
    source = builder.image(value)
    weights = builder.required_constant(node, 1, "weights")
    if weights.ndim not in (3, 4):
        raise node.unsupported(
            f"kernel of {weights.ndim - 2} dimensions", "only Conv1d and Conv2d can be deployed"
        )
    if weights.ndim == 3:
        weights = weights[:, :, None, :]
    _, height, width, in_channels = builder.tensors[source].shape
    out_channels, depth, *kernel = weights.shape
    groups = int(node.attributes.get("group", 1))
    kernel_rank = len(value.shape) - 2
    named = tuple(node.attributes.get("kernel_shape", kernel[-kernel_rank:]))
    if named != tuple(kernel[-kernel_rank:]):
        raise node.unsupported(
            f"kernel_shape {named} for weights of kernel {tuple(kernel[-kernel_rank:])}",
            "export the model again",
        )
    if groups < 1 or depth * groups != in_channels or out_channels % groups:
        raise node.unsupported(
            f"{groups} groups of {depth} channels do not match {in_channels} input channels",
            "export the model again",
        )
    window = read_window(node, tuple(kernel[-kernel_rank:]), (height, width))
    out_height, out_width = window.output_size((height, width))
    if min(out_height, out_width) < 1:
        raise node.unsupported("its kernel is longer than the padded signal", "use a longer window")
    padding = window.padding((height, width))
    name = node.outputs[0]
    if padding is None:
        source, padding = explicitly_padded(builder, name, source, window), Padding.VALID
    bias = builder.constant(node, 2)
    if bias is None and len(node.inputs) > 2 and node.inputs[2]:
        raise node.unsupported("its biases are computed, not constant", "export with fixed weights")
    if bias is not None and bias.shape != (out_channels,):
        raise node.unsupported(f"{bias.size} biases for {out_channels} channels", "export the model again")
    bias_name = builder.new_tensor(
        f"{name}/bias", (out_channels,), np.zeros(out_channels) if bias is None else bias
    )
    output = builder.new_tensor(name, (1, out_height, out_width, out_channels))
    if depth == 1 and groups > 1:
        filters = weights.transpose(1, 2, 3, 0)
        weights_name = builder.new_tensor(f"{name}/weights", filters.shape, filters)
        builder.emit(
            DepthwiseConv2D(
                inputs=(source, weights_name, bias_name),
                outputs=(output,),
                depth_multiplier=out_channels // groups,
                stride=window.stride,
                dilation=window.dilation,
                padding=padding,
            )
        )
    else:
        filters = weights.transpose(0, 2, 3, 1)
        weights_name = builder.new_tensor(f"{name}/weights", filters.shape, filters)
        builder.emit(
            Conv2D(
                inputs=(source, weights_name, bias_name),
                outputs=(output,),
                stride=window.stride,
                dilation=window.dilation,
                padding=padding,
            )
        )
    builder.define_image(node, output, len(value.shape))


def convert_gemm(node: Node, builder: GraphBuilder) -> None:
    """alpha * x @ w + beta * bias with constant w and bias."""
    if node.attributes.get("transA", 0):
        raise node.unsupported("transposed input", "export nn.Linear directly")
    weights = builder.required_constant(node, 1, "weights").astype(np.float32)
    if not node.attributes.get("transB", 0):
        weights = weights.T
    weights = weights * np.float32(node.attributes.get("alpha", 1.0))
    bias = np.zeros(len(weights), np.float32)
    if len(node.inputs) > 2 and node.inputs[2]:
        offset = builder.required_constant(node, 2, "biases").astype(np.float32).reshape(-1)
        bias = bias + offset * np.float32(node.attributes.get("beta", 1.0))
    _emit_dense(node, builder, weights, bias)


def convert_dense_matmul(node: Node, builder: GraphBuilder) -> None:
    """x @ w with a constant w of one or two dimensions."""
    weights = builder.required_constant(node, 1, "weights").astype(np.float32)
    if weights.ndim not in (1, 2):
        raise node.unsupported(f"weights of shape {weights.shape}", "use nn.Linear on a flattened signal")
    columns = weights.reshape(len(weights), -1)
    _emit_dense(node, builder, columns.T, np.zeros(columns.shape[1], np.float32))
    if weights.ndim == 1:
        # A product with a vector drops the axis that one column would leave.
        value = builder.values[node.outputs[0]]
        builder.define(node.outputs[0], value.tensor, value.layout.reshaped(value.shape[:-1]))


def _emit_dense(
    node: Node,
    builder: GraphBuilder,
    weights: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
    bias: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
) -> None:
    value = builder.value(node, 0)
    outputs, features = weights.shape
    if value.shape[-1] != features:
        raise node.unsupported(
            f"input of shape {value.shape} with weights for {features} features",
            "flatten the signal in front of the dense layer, or use a Conv1d of kernel 1 for each time step",
        )
    if math.prod(value.shape) != features:
        _emit_dense_per_position(node, builder, weights, bias)
        return
    name = node.outputs[0]
    # The dense layer reads memory order, so its columns move instead of the data.
    columns = weights[:, value.layout.element_order()]
    weights_name = builder.new_tensor(f"{name}/weights", (outputs, features), columns)
    bias_name = builder.new_tensor(f"{name}/bias", (outputs,), bias)
    source = builder.viewed(value, (1, features))
    output = builder.new_tensor(name, (1, outputs))
    builder.emit(FullyConnected(inputs=(source, weights_name, bias_name), outputs=(output,)))
    builder.define(name, output, Layout.row_major((*value.shape[:-1], outputs)))


def _emit_dense_per_position(
    node: Node,
    builder: GraphBuilder,
    weights: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
    bias: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
) -> None:
    """The dense layer at every position of a sequence (..., features): a 1x1 convolution."""
    value = builder.value(node, 0)
    outputs, features = weights.shape
    axis = len(value.shape) - 1
    source, layout = builder.rows(value, axis)
    name = node.outputs[0]
    weights_name = builder.new_tensor(
        f"{name}/weights", (outputs, 1, 1, features), weights.reshape(outputs, 1, 1, features)
    )
    bias_name = builder.new_tensor(f"{name}/bias", (outputs,), bias)
    output = builder.new_tensor(name, (1, 1, builder.tensors[source].shape[2], outputs))
    builder.emit(Conv2D(inputs=(source, weights_name, bias_name), outputs=(output,)))
    builder.define(name, output, layout.with_axis(axis, outputs))
