"""What the compiler accepts. Everything later relies on these checks, also for files from strangers."""

from collections.abc import Callable

import numpy as np

from ppg_deploy.compile import sequence_checks, tensor_checks
from ppg_deploy.compile.activation_checks import activation_problem
from ppg_deploy.compile.checks_int16 import INT16_CHECKS
from ppg_deploy.compile.place import HINT as _HINT
from ppg_deploy.compile.place import Place
from ppg_deploy.compile.place import check_factors as _check_factors
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
    BatchMatMul,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    Gelu,
    HardSwish,
    L2Normalization,
    LeakyRelu,
    Logistic,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Pool2D,
    Relu,
    Relu6,
    Reshape,
    Rsqrt,
    Softmax,
    SquaredDifference,
    StridedSlice,
    Sub,
    Sum,
    Tanh,
    Transpose,
    UnidirectionalSequenceLstm,
)
from ppg_deploy.graph.shapes import window_output

_LARGEST_LEFT_SHIFT = 30
_MAX_RANK = 4
_MAX_BYTES = 1 << 24
_ACTIVATIONS = (DType.INT8, DType.INT16)
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
    Sub: (2, 2),
    SquaredDifference: (2, 2),
    BatchMatMul: (2, 2),
    Concatenation: (1, 1 << 10),
    UnidirectionalSequenceLstm: (13, 13),
}
_ONE_INPUT = (1, 1)


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
    if graph.input.dtype not in _ACTIVATIONS:
        raise UnsupportedModelError(
            f"input {graph.inputs[0]} is {graph.input.dtype.value}, not int8 or int16", hint=_HINT
        )
    is_int16 = graph.input.dtype is DType.INT16
    available = set(graph.inputs)
    for number, operator in enumerate(graph.operators):
        place = Place(graph, number)
        if type(operator) not in _CHECKS:
            raise place.refuse(operator.output, "comes from an operator that cannot be compiled")
        if is_int16 and type(operator) not in INT16_CHECKS:
            raise place.refuse(operator.output, "is int16, for which there is no such kernel")
        _check_operands(place)
        _check_order(place, available)
        _check_activation(place, operator.inputs[0])
        _check_activation(place, operator.output)
        if graph.tensors[operator.output].is_constant:
            raise place.refuse(operator.output, "is written although it is a constant")
        _CHECKS[type(operator)](place)
        if is_int16:
            INT16_CHECKS[type(operator)](place)
        available.update(operator.outputs)
    if graph.outputs[0] not in available:
        raise UnsupportedModelError(
            f"no operator writes the output {graph.outputs[0]}", hint="export the model again"
        )


def _check_operands(place: Place) -> None:
    operator = place.operator
    fewest, most = _INPUTS.get(type(operator), _ONE_INPUT)
    present = sum(bool(name) for name in operator.inputs[:fewest])
    if present < fewest or not fewest <= len(operator.inputs) <= most or not operator.outputs:
        raise place.refuse(
            ", ".join(operator.outputs) or "(none)",
            f"comes from {len(operator.inputs)} inputs, {present} of the needed {fewest} present",
            "export the model again",
        )


def _check_order(place: Place, available: set[str]) -> None:
    # An LSTM's second output only describes its cell.
    if len(place.operator.outputs) != (2 if isinstance(place.operator, UnidirectionalSequenceLstm) else 1):
        raise place.refuse(", ".join(place.operator.outputs), "are several outputs of one operator")
    for name in place.operator.inputs:
        if name and name not in available and not place.tensor(name).is_constant:
            raise place.refuse(name, "is read before any operator writes it", "export the model again")
    if place.operator.output in available:
        raise place.refuse(place.operator.output, "is written twice", "export the model again")


def _check_codes(place: Place, name: str, dtype: DType) -> None:
    tensor = place.tensor(name)
    if tensor.dtype is not dtype:
        raise place.refuse(name, f"is {tensor.dtype.value}, not {dtype.value}")
    if tensor.quantization is None:
        raise place.refuse(name, "has no quantisation parameters")
    if tensor.byte_size > _MAX_BYTES or tensor.size == 0:
        raise place.refuse(name, f"has {tensor.byte_size} bytes", "no supported board can hold such a model")


def _check_activation(place: Place, name: str) -> None:
    dtype = place.graph.input.dtype
    _check_codes(place, name, dtype)
    tensor = place.tensor(name)
    assert tensor.quantization is not None
    if tensor.quantization.per_channel:
        raise place.refuse(name, "is an activation with one scale per channel")
    if not -128 <= tensor.zero_point <= 127 or (dtype is DType.INT16 and tensor.zero_point != 0):
        raise place.refuse(name, f"has the zero point {tensor.zero_point}")
    if len(tensor.shape) == _MAX_RANK and tensor.shape[0] != 1 and not tensor.is_constant:
        raise place.refuse(name, f"has batch size {tensor.shape[0]}", "export the model with batch size 1")


def _check_image(place: Place, name: str) -> None:
    if len(place.tensor(name).shape) != _MAX_RANK:
        raise place.refuse(name, f"has {len(place.tensor(name).shape)} axes instead of 4", "export it again")
    if place.tensor(name).is_constant:
        raise place.refuse(name, "is a constant where an activation is expected", "fold the constants first")


def _check_weights(place: Place, channel_axis: int, rank: int) -> None:
    name = place.operator.inputs[1]
    weights = place.tensor(name)
    _check_codes(place, name, DType.INT8)
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


def _check_bias(place: Place, channels: int) -> None:
    if len(place.operator.inputs) < 3 or not place.operator.inputs[2]:
        return
    name = place.operator.inputs[2]
    bias = place.tensor(name)
    # TFLM's int16 kernels disagree on biases of 32 bits; with 64 bits all of them are defined.
    wanted = DType.INT64 if place.graph.input.dtype is DType.INT16 else DType.INT32
    if not bias.is_constant or bias.dtype is not wanted:
        raise place.refuse(name, f"is a {bias.dtype.value} bias; an {wanted.value} constant is needed")
    if bias.size != channels:
        raise place.refuse(
            name, f"holds {bias.size} biases for {channels} channels", "export the model again"
        )


def _check_window(place: Place, kernel: tuple[int, int], channels: int) -> None:
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


def _check_convolution(place: Place) -> None:
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


def _check_depthwise(place: Place) -> None:
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


def _check_dense(place: Place) -> None:
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


def _check_broadcast(place: Place) -> tuple[Tensor, Tensor, Tensor]:
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


def _check_add(place: Place) -> None:
    # TFLM refuses factors of 1 and above; only a far too small output scale leads to one.
    *_, factor = add_multipliers(*_check_broadcast(place))
    _check_factors(place, [factor], 0)


def _check_mul(place: Place) -> None:
    _check_factors(place, [mul_multiplier(*_check_broadcast(place))], _LARGEST_LEFT_SHIFT)


def _check_pool(place: Place) -> None:
    operator = place.operator
    assert isinstance(operator, Pool2D)
    _check_image(place, operator.inputs[0])
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    if abs(source.scale - output.scale) > _SAME_SCALE or source.zero_point != output.zero_point:
        raise place.refuse(output.name, f"has another scale than the pool's input {source.name}")
    _check_window(place, operator.filter, source.shape[3])


def _check_pad(place: Place) -> None:
    operator = place.operator
    assert isinstance(operator, Pad)
    shape = place.tensor(operator.inputs[0]).shape
    # TensorFlow pads one-dimensional signals as (1, length, channels).
    if not (len(shape) == _MAX_RANK - 1 and shape[0] == 1):
        _check_image(place, operator.inputs[0])
    elif place.tensor(operator.inputs[0]).is_constant:
        raise place.refuse(operator.inputs[0], "is a constant where an activation is expected")
    if len(operator.pads) != len(shape) or operator.pads[0] != (0, 0):
        raise place.refuse(operator.output, "is padded along the batch axis", "pad rows, columns or channels")
    if any(amount < 0 for pair in operator.pads for amount in pair):
        raise place.refuse(operator.output, "has negative padding", "export the model again")
    padded = tuple(size + sum(pair) for size, pair in zip(shape, operator.pads, strict=True))
    place.require_shape(operator.output, padded)


def _check_reshape(place: Place) -> None:
    source, output = place.tensor(place.operator.inputs[0]), place.tensor(place.operator.output)
    if source.is_constant:
        raise place.refuse(source.name, "is a constant where an activation is expected")
    if source.size != output.size:
        raise place.refuse(output.name, f"has {output.size} elements, not {source.size}", "export again")


def _check_difference(place: Place) -> None:
    _check_broadcast(place)
    tensor_checks.check_difference(place)


def _check_product(place: Place) -> None:
    _check_activation(place, place.operator.inputs[1])
    tensor_checks.check_product(place)


def _check_activation_function(place: Place) -> None:
    problem = activation_problem(place.graph, place.operator)
    if problem is not None:
        raise place.refuse(problem.tensor, problem.reason, problem.hint)


_CHECKS: dict[type[Operator], Callable[[Place], None]] = {
    Conv2D: _check_convolution,
    DepthwiseConv2D: _check_depthwise,
    FullyConnected: _check_dense,
    Add: _check_add,
    Mul: _check_mul,
    AveragePool2D: _check_pool,
    MaxPool2D: _check_pool,
    Pad: _check_pad,
    Reshape: _check_reshape,
    Transpose: tensor_checks.check_transpose,
    Sub: _check_difference,
    SquaredDifference: _check_difference,
    Mean: tensor_checks.check_reduction,
    Sum: tensor_checks.check_reduction,
    BatchMatMul: _check_product,
    L2Normalization: tensor_checks.check_l2_normalization,
    StridedSlice: sequence_checks.check_slice,
    Concatenation: sequence_checks.check_concatenation,
    UnidirectionalSequenceLstm: sequence_checks.check_lstm,
    Relu: _check_activation_function,
    Relu6: _check_activation_function,
    LeakyRelu: _check_activation_function,
    Elu: _check_activation_function,
    HardSwish: _check_activation_function,
    Logistic: _check_activation_function,
    Tanh: _check_activation_function,
    Gelu: _check_activation_function,
    Rsqrt: tensor_checks.check_rsqrt,
    Softmax: _check_activation_function,
}
