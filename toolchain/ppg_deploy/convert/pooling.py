"""MaxPool, AveragePool, global pools and means over the signal."""

from ppg_deploy.convert.builder import GraphBuilder, Node, Value, image_shape
from ppg_deploy.convert.layout import Layout
from ppg_deploy.convert.mean import emit_sequence_mean
from ppg_deploy.convert.spatial import Window, explicitly_padded, read_window
from ppg_deploy.graph.operators import Activation, AveragePool2D, MaxPool2D, Operator, Padding, Pool2D


def convert_max_pool(node: Node, builder: GraphBuilder) -> None:
    """MaxPool; padded with zeros only where that cannot win over the signal."""
    _emit_pool(node, builder, MaxPool2D)


def convert_average_pool(node: Node, builder: GraphBuilder) -> None:
    """AveragePool, with the pads counted or not."""
    _emit_pool(node, builder, AveragePool2D)


def _emit_pool(node: Node, builder: GraphBuilder, pool: type[Pool2D]) -> None:
    value = builder.value(node, 0)
    source = builder.image(value)
    _, height, width, channels = builder.tensors[source].shape
    window = read_window(node, tuple(node.attributes["kernel_shape"]), (height, width))
    if window.dilation != (1, 1):
        raise node.unsupported("dilated pool", "use a dilated convolution instead")
    if node.attributes.get("ceil_mode", 0):
        window = _ceiled(node, window, (height, width))
    padding = window.padding((height, width))
    counts_pads = bool(node.attributes.get("count_include_pad", 0)) and padding is not Padding.VALID
    if padding is None or (counts_pads and pool is AveragePool2D):
        _check_zero_padding(node, builder, pool, source, counts_pads=counts_pads)
        source, padding = explicitly_padded(builder, node.outputs[0], source, window), Padding.VALID
    out_height, out_width = window.output_size((height, width))
    output = builder.new_tensor(node.outputs[0], (1, out_height, out_width, channels))
    builder.emit(
        pool(inputs=(source,), outputs=(output,), filter=window.kernel, stride=window.stride, padding=padding)
    )
    builder.define_image(node, output, len(value.shape))


def _ceiled(node: Node, window: Window, size: tuple[int, int]) -> Window:
    """The window with its last, incomplete positions padded, as ceil_mode counts them."""
    after = list(window.after)
    for axis in (0, 1):
        room = size[axis] + window.before[axis] + window.after[axis] - window.kernel[axis]
        after[axis] += -room % window.stride[axis]
    if tuple(after) != window.after and node.attributes.get("count_include_pad", 0):
        raise node.unsupported("ceil_mode together with count_include_pad", "export with ceil_mode=False")
    return Window(window.kernel, window.stride, window.dilation, window.before, (after[0], after[1]))


def _check_zero_padding(
    node: Node, builder: GraphBuilder, pool: type[Pool2D], source: str, *, counts_pads: bool
) -> None:
    if pool is AveragePool2D and not counts_pads:
        raise node.unsupported(
            "its pads match no TensorFlow Lite padding", "use count_include_pad=True or pad symmetrically"
        )
    if pool is MaxPool2D and not _is_non_negative(builder, source):
        raise node.unsupported(
            "padded maximum over values that may be negative",
            "put a ReLU in front of the pool or choose pads that match SAME padding",
        )


def _is_non_negative(builder: GraphBuilder, tensor: str) -> bool:
    producer: Operator | None = next(
        (operator for operator in builder.operators if tensor in operator.outputs), None
    )
    if producer is None:
        return False
    if getattr(producer, "activation", Activation.NONE) is not Activation.NONE:
        return True
    keeps_sign = isinstance(producer, Pool2D)
    return keeps_sign and _is_non_negative(builder, producer.inputs[0])


def convert_global_average(node: Node, builder: GraphBuilder) -> None:
    """GlobalAveragePool."""
    value = builder.value(node, 0)
    _emit_mean(node, builder, value, tuple(range(2, len(value.shape))), keep=True)


def convert_reduce_mean(node: Node, builder: GraphBuilder) -> None:
    """ReduceMean over any axes."""
    value = builder.value(node, 0)
    axes = node.attributes.get("axes")
    if axes is None:
        constant = builder.constant(node, 1)
        axes = None if constant is None else constant.tolist()
    if axes is None:
        raise node.unsupported("mean over computed or all axes", "name the axes of the mean")
    positive = tuple(sorted(axis % len(value.shape) for axis in axes))
    keep = bool(node.attributes.get("keepdims", 1))
    is_image = len(value.shape) in (3, 4) and value.layout.same_order(Layout.channels_last(value.shape))
    if is_image and all(axis >= 2 for axis in positive):
        _emit_mean(node, builder, value, positive, keep=keep)
    else:
        emit_sequence_mean(node, builder, value, positive, keep=keep)


def _emit_mean(node: Node, builder: GraphBuilder, value: Value, axes: tuple[int, ...], *, keep: bool) -> None:
    source = builder.image(value)
    _, height, width, channels = image_shape(value.shape)
    width_axis = len(value.shape) - 1
    size = (
        height if width_axis == 3 and 2 in axes else 1,
        width if width_axis in axes else 1,
    )
    output = builder.new_tensor(node.outputs[0], (1, height // size[0], width // size[1], channels))
    builder.emit(AveragePool2D(inputs=(source,), outputs=(output,), filter=size, stride=size))
    kept = tuple(1 if axis in axes else length for axis, length in enumerate(value.shape))
    layout = Layout.channels_last(kept)
    if not keep:
        layout = layout.reshaped(tuple(length for axis, length in enumerate(kept) if axis not in axes))
    builder.define(node.outputs[0], output, layout)
