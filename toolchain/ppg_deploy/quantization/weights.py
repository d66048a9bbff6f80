"""Symmetric int8 weights with one scale per output channel, and their biases."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import DType, Quantization, Tensor
from ppg_deploy.graph.arithmetic import code_limits
from ppg_deploy.quantization.ranges import quantization_of_range

Floats = NDArray[np.float32]
_LARGEST_BIAS = 2**30


def quantize_weights(
    weights: Tensor, bias: Tensor, axis: int, input_scale: float, bias_type: DType = DType.INT32
) -> tuple[Tensor, Tensor]:
    """(int8 weights, bias) under the same names.

    Args:
        weights: float weights.
        bias: float bias, one value per output channel.
        axis: axis of the output channels in `weights`.
        input_scale: scale of the activation that the weights are multiplied with; bias scale is the product.
        bias_type: INT32, or INT64 as int16 activations need it; the values fit 31 bits in either.
    """
    values = np.asarray(weights.data, np.float64)
    channels = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    largest = np.abs(channels).max(axis=1)
    offsets = np.asarray(bias.data, np.float64)
    # A channel of (almost) zero weights still needs a scale in which its bias is a 32-bit number.
    smallest = np.maximum(np.abs(offsets) / (_LARGEST_BIAS * input_scale), np.finfo(np.float32).tiny)
    scales = np.maximum(largest / 127.0, smallest).astype(np.float32)
    wide = scales.astype(np.float64)
    shaped = wide.reshape([-1 if index == axis else 1 for index in range(values.ndim)])
    codes = np.clip(np.rint(values / shaped), -127, 127).astype(np.int8)
    bias_scales = (np.float32(input_scale) * scales).astype(np.float32)
    bias_codes = np.rint(offsets / (input_scale * wide)).astype(bias_type.numpy)
    zeros = (0,) * len(scales)
    return (
        Tensor(weights.name, weights.shape, DType.INT8, Quantization(_tuple(scales), zeros, axis), codes),
        Tensor(bias.name, bias.shape, bias_type, Quantization(_tuple(bias_scales), zeros, 0), bias_codes),
    )


def quantize_operand(
    constant: Tensor,
    dtype: DType = DType.INT8,
    of_range: Callable[[float, float], Quantization] = quantization_of_range,
) -> Tensor:
    """A constant operand of a sum, difference or product, with one scale and zero point.

    Args:
        constant: float constant.
        dtype: that of the activations, INT8 or INT16.
        of_range: parameters for (lowest, highest) of that type.
    """
    values = np.asarray(constant.data, np.float64)
    operand = replace(constant, dtype=dtype, quantization=of_range(float(values.min()), float(values.max())))
    codes = np.rint(values / operand.scale) + operand.zero_point
    return replace(operand, data=np.clip(codes, *code_limits(operand)).astype(dtype.numpy))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
