"""Fixed-point arithmetic of TensorFlow Lite's int8 kernels, in numpy.

Source: tensorflow/lite/kernels/internal/{quantization_util.cc,common.h} and gemmlowp's fixedpoint.h. TFLM rounds
twice (high multiply, then shift); single-rounding builds exist but none of the wheels or CMSIS-NN uses them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.operators import Activation, Mean, Reduction
from ppg_deploy.graph.tensor import DType, Tensor

INT8_MIN, INT8_MAX = -128, 127


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real = multiplier * 2**(shift - 31) and multiplier in [2**30, 2**31).

    Multipliers below 2**-32 become (0, 0), as in QuantizeMultiplier.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def saturating_rounding_doubling_high_mul(
    a: NDArray[np.int64], b: int | NDArray[np.int64]
) -> NDArray[np.int64]:
    """Upper 32 bits of 2*a*b as gemmlowp rounds them. `a` and `b` hold int32 values; b is not -2**31.

    gemmlowp adds 2**30 (or 1 - 2**30 to a negative product) and divides towards zero; for both signs that is the
    floor of (product + 2**30) / 2**31.
    """
    return np.asarray((a * b + (1 << 30)) >> 31, np.int64)


def rounding_divide_by_power_of_two(
    value: NDArray[np.int64], exponent: int | NDArray[np.int64]
) -> NDArray[np.int64]:
    """value / 2**exponent, rounded half away from zero."""
    exponents = np.asarray(exponent, np.int64)
    half = (np.int64(1) << exponents) >> 1
    # A negative tie goes down, so a negative value gets just less than one half.
    return np.asarray((value + half + np.where(exponents > 0, value >> 63, 0)) >> exponents, np.int64)


def multiply_by_quantized_multiplier(
    value: NDArray[np.int64], multiplier: int | NDArray[np.int64], shift: int | NDArray[np.int64]
) -> NDArray[np.int64]:
    """value * multiplier * 2**(shift - 31) with TFLM's two roundings; arguments broadcast."""
    shifts = np.asarray(shift, np.int64)
    shifted = value.astype(np.int64) << np.maximum(shifts, 0)
    return rounding_divide_by_power_of_two(
        saturating_rounding_doubling_high_mul(shifted, multiplier), np.maximum(-shifts, 0)
    )


def activation_limits(activation: Activation, output: Tensor) -> tuple[int, int]:
    """Lowest and highest output code. Source: CalculateActivationRangeQuantized."""
    zero = output.zero_point
    lowest, highest = code_limits(output)
    if activation is Activation.RELU:
        return max(lowest, zero), highest
    if activation is Activation.RELU6:
        return max(lowest, zero), min(
            highest, zero + _round_half_away(float(np.float32(6.0) / np.float32(output.scale)))
        )
    return lowest, highest


def code_limits(tensor: Tensor) -> tuple[int, int]:
    """Lowest and highest code of an int8 or int16 tensor."""
    bits = 8 * tensor.dtype.itemsize
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _round_half_away(value: float) -> int:
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def channel_multipliers(source: Tensor, weights: Tensor, output: Tensor) -> list[tuple[int, int]]:
    """Requantisation (multiplier, shift) per scale of the weights: one, or one per output channel."""
    assert weights.quantization is not None
    return [quantize_multiplier(source.scale * scale / output.scale) for scale in weights.quantization.scale]


def dense_multipliers(source: Tensor, weights: Tensor, output: Tensor) -> list[tuple[int, int]]:
    """As `channel_multipliers`, but a per-tensor dense layer multiplies its two scales in single precision.

    Source: GetQuantizedConvolutionMultipler in tensorflow/lite/kernels/kernel_util.cc.
    """
    assert weights.quantization is not None
    if weights.quantization.per_channel:
        return channel_multipliers(source, weights, output)
    product = float(np.float32(source.scale) * np.float32(weights.scale))
    return [quantize_multiplier(product / output.scale)]


def add_multipliers(first: Tensor, second: Tensor, output: Tensor) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of both inputs and of the output of ADD, whose inputs are shifted left first.

    Source: tensorflow/lite/micro/kernels/add_common.cc.
    """
    twice_largest = 2.0 * max(first.scale, second.scale)
    return (
        quantize_multiplier(first.scale / twice_largest),
        quantize_multiplier(second.scale / twice_largest),
        quantize_multiplier(twice_largest / ((1 << add_left_shift(output)) * output.scale)),
    )


ADD_LEFT_SHIFT = 20
ADD_LEFT_SHIFT_INT16 = 15


def add_left_shift(output: Tensor) -> int:
    """By how much ADD shifts its inputs left before it scales them."""
    return ADD_LEFT_SHIFT_INT16 if output.dtype is DType.INT16 else ADD_LEFT_SHIFT


def mul_multiplier(first: Tensor, second: Tensor, output: Tensor) -> tuple[int, int]:
    """(multiplier, shift) of MUL. Source: tensorflow/lite/micro/kernels/mul_common.cc."""
    return quantize_multiplier(first.scale * second.scale / output.scale)


def sub_multipliers(first: Tensor, second: Tensor, output: Tensor) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of both inputs and of the output of SUB: those of ADD.

    Source: tensorflow/lite/micro/kernels/sub_common.cc.
    """
    return add_multipliers(first, second, output)


SQUARED_DIFFERENCE_LEFT_SHIFT = 7


def squared_difference_multipliers(
    first: Tensor, second: Tensor, output: Tensor
) -> tuple[tuple[int, int], ...]:
    """(multiplier, shift) of both inputs, which are scaled up by 2**7, and of the squared difference.

    Source: tensorflow/lite/micro/kernels/squared_difference.cc.
    """
    twice_largest = 2.0 * max(first.scale, second.scale)
    squared = twice_largest * twice_largest
    return (
        quantize_multiplier(first.scale / twice_largest),
        quantize_multiplier(second.scale / twice_largest),
        quantize_multiplier(squared / ((1 << 2 * SQUARED_DIFFERENCE_LEFT_SHIFT) * output.scale)),
    )


def product_multiplier(first: Tensor, second: Tensor, output: Tensor) -> tuple[int, int]:
    """(multiplier, shift) of BATCH_MATMUL, whose two scales are multiplied in single precision.

    Source: GetQuantizedConvolutionMultipler in tensorflow/lite/kernels/kernel_util.cc.
    """
    product = float(np.float32(first.scale) * np.float32(second.scale))
    return quantize_multiplier(product / output.scale)


def reduction_multiplier(source: Tensor, operator: Reduction, output: Tensor) -> tuple[int, int]:
    """(multiplier, shift) of MEAN, whose count of values is divided into the multiplier, and of SUM.

    The multiplier of a mean may be below 2**30. Source: tensorflow/lite/micro/kernels/reduce_common.cc and
    tensorflow/lite/kernels/internal/reference/integer_ops/mean.h.
    """
    multiplier, shift = quantize_multiplier(source.scale / output.scale)
    if not isinstance(operator, Mean):
        return multiplier, shift
    count = math.prod(source.shape[axis] for axis in operator.axes)
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


def inverse_square_root(value: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(multiplier, shift) of 1 / sqrt(value) for values from 0 to 2**31 - 1; 0 counts as 1.

    Five Newton steps in fixed point. Source: GetInvSqrtQuantizedMultiplierExp in
    tensorflow/lite/kernels/internal/quantization_util.cc and gemmlowp's FixedPoint.
    """
    halvings = np.full(value.shape, 11, np.int64)
    scaled = np.maximum(value, 2)
    while (large := scaled >= 1 << 29).any():
        scaled = np.where(large, scaled // 4, scaled)
        halvings += large
    # Pairs of bits by which the value can be shifted left and stays below 2**29.
    _, exponents = np.frexp(scaled.astype(np.float64))
    pairs = (31 - exponents.astype(np.int64)) // 2 - 1
    halvings -= pairs
    # Three integer bits from here on: 1.0 is 2**28.
    half_input = rounding_divide_by_power_of_two((scaled << 2 * pairs) >> 1, 1)
    root = np.full(value.shape, 1 << 28, np.int64)
    for _ in range(5):
        square = saturating_rounding_doubling_high_mul(root, root)
        cube = _saturated(saturating_rounding_doubling_high_mul(square, root) << 6)
        difference = saturating_rounding_doubling_high_mul(
            root, 3 << 27
        ) - saturating_rounding_doubling_high_mul(half_input, cube)
        root = _saturated(difference << 3)
    multiplier = saturating_rounding_doubling_high_mul(root, _HALF_ROOT_OF_TWO)
    multiplier = multiplier << np.maximum(-halvings, 0)
    tiny = value <= 1
    return np.where(tiny, _INT32_MAX, multiplier), np.where(tiny, 0, -np.maximum(halvings, 0))


_INT32_MAX = (1 << 31) - 1
_HALF_ROOT_OF_TWO = 1518500250


def _saturated(value: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(value, -_INT32_MAX - 1, _INT32_MAX)
