"""RSQRT and L2_NORMALIZATION in int8."""

import math

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import (
    INT8_MAX,
    inverse_square_root,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from ppg_deploy.graph.code_ops.clamp import clamped
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Activation, L2Normalization, Operator, Rsqrt

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]
_RSQRT_SHIFT = 20
# The output of L2_NORMALIZATION is in steps of 2**-7.
_L2_OUTPUT_BITS = 7


def rsqrt(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """Source: RsqrtEvalQuantized in tensorflow/lite/micro/kernels/elementwise.cc."""
    assert isinstance(operator, Rsqrt)
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.output]
    values = operands[0].astype(np.int64) - source.zero_point
    multiplier, shift = inverse_square_root(values)
    ones = np.ones_like(values)
    roots = multiply_by_quantized_multiplier(ones, multiplier, shift + _RSQRT_SHIFT)
    factor, factor_shift = quantize_multiplier(1.0 / (math.sqrt(source.scale) * output.scale))
    scaled = multiply_by_quantized_multiplier(roots, factor, factor_shift - _RSQRT_SHIFT)
    codes = np.where(values == 0, INT8_MAX, scaled + output.zero_point)
    return clamped(codes, Activation.NONE, output)


def l2_normalization(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """Source: tensorflow/lite/kernels/internal/reference/integer_ops/l2normalization.h."""
    assert isinstance(operator, L2Normalization)
    source, output = graph.tensors[operator.inputs[0]], graph.tensors[operator.output]
    values = operands[0].astype(np.int64) - source.zero_point
    multiplier, shift = inverse_square_root((values * values).sum(axis=-1, keepdims=True))
    scaled = multiply_by_quantized_multiplier(values, multiplier, shift + _L2_OUTPUT_BITS)
    return clamped(scaled, Activation.NONE, output)
