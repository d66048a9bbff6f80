"""What the compiler accepts. Everything later relies on these checks, also for files from strangers."""

from collections.abc import Callable

import numpy as np

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.arithmetic import (
    add_multipliers,
    channel_multipliers,
    dense_multipliers,
    mul_multiplier,
)
from ppg_deploy.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Pool2D,
    Reshape,
)
from ppg_deploy.graph.shapes import window_output

_HINT = "quantise the model to int8 with: ppg-deploy quantize"
_LARGEST_LEFT_SHIFT = 30
_MAX_RANK = 4
_MAX_BYTES = 1 << 24
# The C kernels add positions, pads and dilations in 32 bits; no signal is longer than this.
_MAX_WINDOW = 1 << 16
# TFLM's pools refuse two scales that differ by more. Source: tensorflow/lite/micro/kernels/pooling_common.cc.
_SAME_SCALE = 1e-6
# Fewest and most inputs; the fewest must all be present. Operators that are not listed check more than one themselves.
_INPUTS: dict[type[Operator], tuple[int, int]] = {
    Conv2D: (2, 3),
    DepthwiseConv2D: (2, 3),
    FullyConnected: (2, 3),
    Add: (2, 2),
    Mul: (2, 2),
    AveragePool2D: (1, 1),
    MaxPool2D: (1, 1),
    Pad: (1, 1),
    Reshape: (1, 1),
}
_ANY_INPUTS = (1, 64)


class _Place:
    """An operator of a graph, for naming it in messages."""

    def __init__(self, graph: Graph, number: int) -> None:
        self.graph = graph
        self.operator = graph.operators[number]
        self._number = number

    def refuse(self, tensor: str, reason: str, hint: str = _HINT) -> UnsupportedModelError:
        return UnsupportedModelError(
            f"operator {self._number} ({self.operator.kind}): tensor {tensor} {reason}", hint=hint
        )

    def tensor(self, name: str) -> Tensor:
        return self.graph.tensors[name]

    def require_shape(self, name: str, expected: tuple[int, ...]) -> None:
        if self.tensor(name).shape != expected:
            raise self.refuse(
                name, f"has shape {self.tensor(name).shape}, expected {expected}", "export the model again"
            )


def check_compilable(graph: Graph) -> None:
    """Refuse every graph that the kernels would not compute exactly as TFLM does.

    Raises:
        UnsupportedModelError: naming operator number, kind and tensor.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise UnsupportedModelError(
            f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs",
            hint="export a model with exactly one input and one output",
        )
    if graph.input.dtype is not DType.INT8:
        raise UnsupportedModelError(
            f"input {graph.inputs[0]} is {graph.input.dtype.value}, not int8", hint=_HINT
        )
    available = set(graph.inputs)
    for number, operator in enumerate(graph.operators):
        place = _Place(graph, number)
        if type(operator) not in _CHECKS:
            raise place.refuse(operator.output, "comes from an operator that cannot be compiled")
        _check_operands(place)
        _check_order(place, available)
        _check_activation(place, operator.inputs[0])
        _check_activation(place, operator.output)
        if graph.tensors[operator.output].is_constant:
            raise place.refuse(operator.output, "is written although it is a constant")
        _CHECKS[type(operator)](place)
        available.update(operator.outputs)
    if graph.outputs[0] not in available:
        raise UnsupportedModelError(
            f"no operator writes the output {graph.outputs[0]}", hint="export the model again"
        )


def _check_operands(place: _Place) -> None:
    operator = place.operator
    fewest, most = _INPUTS.get(type(operator), _ANY_INPUTS)
    present = sum(bool(name) for name in operator.inputs[:fewest])
    if present < fewest or not fewest <= len(operator.inputs) <= most or not operator.outputs:
        raise place.refuse(
            ", ".join(operator.outputs) or "(none)",
            f"comes from {len(operator.inputs)} inputs, {present} of the needed {fewest} present",
            "export the model again",
        )


def _check_order(place: _Place, available: set[str]) -> None:
    if len(place.operator.outputs) != 1:
        raise place.refuse(", ".join(place.operator.outputs), "are several outputs of one operator")
    for name in place.operator.inputs:
        if name and name not in available and not place.tensor(name).is_constant:
            raise place.refuse(name, "is read before any operator writes it", "export the model again")
    if place.operator.output in available:
        raise place.refuse(place.operator.output, "is written twice", "export the model again")


def _check_codes(place: _Place, name: str) -> None:
    tensor = place.tensor(name)
    if tensor.dtype is not DType.INT8:
        raise place.refuse(name, f"is {tensor.dtype.value}, not int8")
    if tensor.quantization is None:
        raise place.refuse(name, "has no quantisation parameters")
    if tensor.byte_size > _MAX_BYTES or tensor.size == 0:
        raise place.refuse(name, f"has {tensor.byte_size} bytes", "no supported board can hold such a model")


def _check_activation(place: _Place, name: str) -> None:
    _check_codes(place, name)
    tensor = place.tensor(name)
    assert tensor.quantization is not None
    if tensor.quantization.per_channel:
        raise place.refuse(name, "is an activation with one scale per channel")
    if not -128 <= tensor.zero_point <= 127:
        raise place.refuse(name, f"has the zero point {tensor.zero_point}")
    if len(tensor.shape) == _MAX_RANK and tensor.shape[0] != 1 and not tensor.is_constant:
        raise place.refuse(name, f"has batch size {tensor.shape[0]}", "export the model with batch size 1")


def _check_image(place: _Place, name: str) -> None:
    if len(place.tensor(name).shape) != _MAX_RANK:
        raise place.refuse(name, f"has {len(place.tensor(name).shape)} axes instead of 4", "export it again")
    if place.tensor(name).is_constant:
        raise place.refuse(name, "is a constant where an activation is expected", "fold the constants first")


def _check_weights(place: _Place, channel_axis: int, rank: int) -> None:
    name = place.operator.inputs[1]
    weights = place.tensor(name)
    _check_codes(place, name)
    if not weights.is_constant:
        raise place.refuse(name, "is computed; weights must be constants")
    if len(weights.shape) != rank:
        raise place.refuse(name, f"has {len(weights.shape)} axes instead of {rank}", "export the model again")
    quantization = weights.quantization
    assert quantization is not None
    if any(zero != 0 for zero in quantization.zero_point):
        raise place.refuse(
            name, "has a weight zero point that is not 0", "quantise the weights symmetrically"
        )
    if quantization.per_channel and (
        quantization.axis != channel_axis or len(quantization.scale) != weights.shape[channel_axis]
    ):
        raise place.refuse(name, "has scales along the wrong axis", "export the model again")


def _check_bias(place: _Place, channels: int) -> None:
    if len(place.operator.inputs) < 3 or not place.operator.inputs[2]:
        return
    name = place.operator.inputs[2]
    bias = place.tensor(name)
    if not bias.is_constant or bias.dtype is not DType.INT32:
        raise place.refuse(name, f"is a {bias.dtype.value} bias; an int32 constant is needed")
    if bias.size != channels:
        raise place.refuse(
            name, f"holds {bias.size} biases for {channels} channels", "export the model again"
        )


def _check_factors(place: _Place, factors: list[tuple[int, int]], largest_shift: int) -> None:
    if any(shift > largest_shift for _, shift in factors):
        raise place.refuse(place.operator.output, "has a scale far too small for its inputs")


def _check_window(place: _Place, kernel: tuple[int, int], channels: int) -> None:
    operator = place.operator
    assert isinstance(operator, Conv2D | DepthwiseConv2D | Pool2D)
    dilation = (1, 1) if isinstance(operator, Pool2D) else operator.dilation
    if min(*kernel, *operator.stride, *dilation) < 1:
        raise place.refuse(
            operator.output, "has a kernel, stride or dilation below 1", "export the model again"
        )
    if any((kernel[axis] - 1) * dilation[axis] >= _MAX_WINDOW for axis in (0, 1)) or (
        max(operator.stride) > _MAX_WINDOW
    ):
        raise place.refuse(
            operator.output,
            f"comes from a window longer than {_MAX_WINDOW}",
            "use smaller dilations or strides",
        )
    source = place.tensor(operator.inputs[0]).shape
    size = tuple(
        window_output(source[axis + 1], kernel[axis], operator.stride[axis], dilation[axis], operator.padding)
        for axis in (0, 1)
    )
    place.require_shape(operator.output, (1, *size, channels))


def _check_convolution(place: _Place) -> None:
    operator = place.operator
    _check_image(place, operator.inputs[0])
    _check_weights(place, 0, 4)
    source, weights = (place.tensor(name) for name in operator.inputs[:2])
    channels, kernel_rows, kernel_columns, depth = weights.shape
    if source.shape[3] % depth != 0 or channels % (source.shape[3] // depth) != 0:
        raise place.refuse(
            operator.inputs[1],
            f"does not divide {source.shape[3]} channels into groups",
            "export the model again",
        )
    _check_bias(place, channels)
    _check_window(place, (kernel_rows, kernel_columns), channels)
    factors = channel_multipliers(source, weights, place.tensor(operator.output))
    _check_factors(place, factors, _LARGEST_LEFT_SHIFT)


def _check_depthwise(place: _Place) -> None:
    operator = place.operator
    assert isinstance(operator, DepthwiseConv2D)
    _check_image(place, operator.inputs[0])
    _check_weights(place, 3, 4)
    source, weights = (place.tensor(name) for name in operator.inputs[:2])
    channels = source.shape[3] * operator.depth_multiplier
    if weights.shape[0] != 1 or weights.shape[3] != channels or operator.depth_multiplier < 1:
        raise place.refuse(
            operator.inputs[1], f"does not hold weights of {channels} channels", "export the model again"
        )
    _check_bias(place, channels)
    _check_window(place, (weights.shape[1], weights.shape[2]), channels)
    factors = channel_multipliers(source, weights, place.tensor(operator.output))
    _check_factors(place, factors, _LARGEST_LEFT_SHIFT)


def _check_dense(place: _Place) -> None:
    operator = place.operator
    if place.tensor(operator.inputs[0]).is_constant:
        raise place.refuse(operator.inputs[0], "is a constant where an activation is expected")
    _check_weights(place, 0, 2)
    source, weights = (place.tensor(name) for name in operator.inputs[:2])
    output = place.tensor(operator.output)
    channels, depth = weights.shape
    if source.size % depth != 0 or output.size != source.size // depth * channels:
        raise place.refuse(
            operator.inputs[1], f"of shape {weights.shape} does not fit its input", "export the model again"
        )
    _check_bias(place, channels)
    _check_factors(place, dense_multipliers(source, weights, output), _LARGEST_LEFT_SHIFT)


def _check_broadcast(place: _Place) -> tuple[Tensor, Tensor, Tensor]:
    operator = place.operator
    _check_activation(place, operator.inputs[1])
    first, second = (place.tensor(name) for name in operator.inputs)
    output = place.tensor(operator.output)
    if first.is_constant and second.is_constant:
        raise place.refuse(operator.output, "does not depend on the input", "fold the constants first")
    if max(len(first.shape), len(second.shape)) > _MAX_RANK:
        raise place.refuse(operator.output, "has more than 4 axes", "reshape the operands first")
    try:
        expected = np.broadcast_shapes(first.shape, second.shape)
    except ValueError as error:
        raise place.refuse(operator.inputs[1], f"cannot be broadcast: {error}", "export again") from error
    place.require_shape(operator.output, expected)
    return first, second, output


def _check_add(place: _Place) -> None:
    # TFLM refuses factors of 1 and above; only a far too small output scale leads to one.
    *_, factor = add_multipliers(*_check_broadcast(place))
    _check_factors(place, [factor], 0)


def _check_mul(place: _Place) -> None:
    _check_factors(place, [mul_multiplier(*_check_broadcast(place))], _LARGEST_LEFT_SHIFT)


def _check_pool(place: _Place) -> None:
    operator = place.operator
    assert isinstance(operator, Pool2D)
    _check_image(place, operator.inputs[0])
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    if abs(source.scale - output.scale) > _SAME_SCALE or source.zero_point != output.zero_point:
        raise place.refuse(output.name, f"has another scale than the pool's input {source.name}")
    _check_window(place, operator.filter, source.shape[3])


def _check_pad(place: _Place) -> None:
    operator = place.operator
    assert isinstance(operator, Pad)
    _check_image(place, operator.inputs[0])
    if len(operator.pads) != _MAX_RANK or operator.pads[0] != (0, 0):
        raise place.refuse(operator.output, "is padded along the batch axis", "pad rows, columns or channels")
    if any(amount < 0 for pair in operator.pads for amount in pair):
        raise place.refuse(operator.output, "has negative padding", "export the model again")
    source = place.tensor(operator.inputs[0]).shape
    padded = tuple(size + sum(pair) for size, pair in zip(source, operator.pads, strict=True))
    place.require_shape(operator.output, padded)


def _check_reshape(place: _Place) -> None:
    source, output = place.tensor(place.operator.inputs[0]), place.tensor(place.operator.output)
    if source.is_constant:
        raise place.refuse(source.name, "is a constant where an activation is expected")
    if source.size != output.size:
        raise place.refuse(output.name, f"has {output.size} elements, not {source.size}", "export again")


_CHECKS: dict[type[Operator], Callable[[_Place], None]] = {
    Conv2D: _check_convolution,
    DepthwiseConv2D: _check_depthwise,
    FullyConnected: _check_dense,
    Add: _check_add,
    Mul: _check_mul,
    AveragePool2D: _check_pool,
    MaxPool2D: _check_pool,
    Pad: _check_pad,
    Reshape: _check_reshape,
}
