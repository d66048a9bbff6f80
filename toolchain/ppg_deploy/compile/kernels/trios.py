"""CONV_2D by columns of 3 positions, 4 channels at a time, four products in one SMLAL: ppg_trios.h."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Code, Structure
from ppg_deploy.compile.kernels.convolution import (
    ColumnsConvolution,
    convolution_parameters,
    copied_row_values,
    pieces,
    window_steps,
)
from ppg_deploy.compile.kernels.quads import row_cycles
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import accumulator_ranges, folded_biases
from ppg_deploy.compile.requantize_fused import FusedFactor, fused_factors, signed_factors
from ppg_deploy.compile.steps import ConvolutionStep, Image, Step, WeightedStep

_CHANNELS, _POSITIONS = 4, 3
_FIELD = 21
_LIMIT = 1 << 20
# Sums of channels A and C arrive times 2^11, those of B and D times 2^10; their right shifts differ by as much.
_SCALES = (1 << 11, 1 << 10)
_SIGNED_RIGHT = 16
# Measured on the Cortex-M4 model, see docs/aot.md.
_VALUE_CYCLES, _LOOP_VALUES, _LOOP_CYCLES = 9, 32, 8
_FUSED_CYCLES, _SIGNED_CYCLES = 106, 147
_ROW_CYCLES = 150


class TriosConvolution(ColumnsConvolution):
    """Convolutions of one group whose sums fit 21 bits; `right` shifts all channels, None: negative sums may show."""

    header = "ppg_conv_trios.h"
    shared_code = MappingProxyType({"ppg_conv_trios.c": 456})

    def __init__(self, right: int | None) -> None:
        self._right = right
        suffix = "signed" if right is None else str(right)
        self.name = f"conv_trios_{suffix}"
        self.code_bytes = 2070 if right is None else 1980
        self.files = (
            "ppg_conv.h",
            "ppg_conv_rows.h",
            "ppg_conv_trios.c",
            "ppg_conv_trios.h",
            "ppg_matrix.h",
            "ppg_trios.h",
            "ppg_trios_fused.h",
            "ppg_trios_portable.h",
            "ppg_trios_simd.h",
            f"ppg_trios_{suffix}.c",
        )
        self._factors = once_per_weights(lambda step: trios_factors(step, right))
        self._stream = once_per_weights(self._packed)

    def matches(self, step: Step) -> bool:
        """True when each channel's sums fit their field and it has an exact factor of the routine's form."""
        return (
            isinstance(step, ConvolutionStep)
            and step.groups == 1
            and step.target.channels % _CHANNELS == 0
            and pieces(step)[1] % 4 == 0
            and self._factors(step) is not None
        )

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Columns, then copied rows."""
        assert isinstance(step, ConvolutionStep)
        return 32 * window_steps(step) + 4 + copied_row_values(step, in_place and not _reads_ahead(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_conv_trios."""
        assert isinstance(step, ConvolutionStep)
        stream = self._stream(step)
        copies = in_place and not _reads_ahead(step)
        parameters = convolution_parameters(_in_one_row(step), copies, stream, len(stream))
        return Code(f"ppg_{self.name}", Structure("ppg_conv_t", parameters))

    def predicted_cycles(self, step: Step) -> int:
        """By blocks of 3 positions and 4 channels."""
        assert isinstance(step, ConvolutionStep)
        whole = _in_one_row(step)
        values = 4 * window_steps(step)
        fixed = _SIGNED_CYCLES if self._right is None else _FUSED_CYCLES
        block = _VALUE_CYCLES * values + _LOOP_CYCLES * -(-values // _LOOP_VALUES) + fixed
        blocks = -(-whole.target.columns // _POSITIONS)
        group = step.target.channels // _CHANNELS * block + columns_cycles(step)
        calls = 1 + (whole.target.columns % _POSITIONS > 0)
        return whole.target.rows * (blocks * group + calls * _ROW_CYCLES + row_cycles(whole))

    def _packed(self, step: WeightedStep) -> NDArray[np.int32]:
        factors = self._factors(step)
        assert factors is not None
        return pack_trios(step, factors, is_signed=self._right is None)


def trios_factors(step: WeightedStep, right: int | None) -> tuple[FusedFactor, ...] | None:
    """Factors of all channels, None when one has none or its sums may leave 21 bits.

    Even channels come first in each pair, so they have the larger scale.
    """
    by_scale = []
    for odd, scale in enumerate(_SCALES):
        half = replace(
            step, weights=step.weights[odd::2], bias=step.bias[odd::2], multipliers=step.multipliers[odd::2]
        )
        if right is None:
            found = signed_factors(half, scale, _SIGNED_RIGHT - odd)
        else:
            found = fused_factors(half, scale, right - odd)
        if found is None:
            return None
        by_scale.append(found)
    factors = tuple(factor for pair in zip(*by_scale, strict=True) for factor in pair)
    for factor, (low, high) in zip(factors, accumulator_ranges(step), strict=True):
        if factor.multiplier and not (low >= -_LIMIT and high < _LIMIT):
            return None
    return factors


def pack_trios(step: WeightedStep, factors: tuple[FusedFactor, ...], *, is_signed: bool) -> NDArray[np.int32]:
    """The stream that ppg_trios.h describes. Channels without multiplier get no weights: their sums might not fit."""
    channels = len(factors)
    alive = np.array([factor.multiplier != 0 for factor in factors])
    flat = step.weights.reshape(channels, -1).astype(np.int64) * alive[:, None]
    biases = np.array(folded_biases(step), np.int64) * alive
    pairs = flat.reshape(channels // _CHANNELS, 2, 2, -1)
    # (fours, values, pair of channels)
    words = (pairs[:, :, 0] + (pairs[:, :, 1] << _FIELD)).transpose(0, 2, 1)
    first, second = biases.reshape(-1, 2).T
    starts = first + _LIMIT + ((first + second + _LIMIT) << _FIELD) + (second << 2 * _FIELD)
    halves = np.stack([starts & 0xFFFFFFFF, (starts >> 32) & 0xFFFFFFFF], axis=1)
    fours = channels // _CHANNELS
    numbers = np.array([(factor.deduction, factor.multiplier, factor.first) for factor in factors], np.int64)
    if not is_signed:
        numbers = numbers[:, 1:]
    parts = [part.reshape(fours, -1) for part in (halves, words, numbers)]
    return (np.concatenate(parts, axis=1).reshape(-1) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def columns_cycles(step: ConvolutionStep) -> int:
    """Widening the windows of 3 positions."""
    runs, run_values = pieces(step)
    return step.window.kernel[0] * (runs * (39 * (run_values // 4) + 14) + 12) + 20


def _reads_ahead(step: ConvolutionStep) -> bool:
    """True when no block's outputs lie where a later block's windows begin: each is widened before it is written."""
    window = step.window
    shorter = step.target.channels <= window.stride[1] * step.source.channels
    return window.kernel[0] == 1 and not window.is_padded and shorter


def _is_pointwise(step: ConvolutionStep) -> bool:
    window = step.window
    return window.kernel == (1, 1) and window.stride == (1, 1) and not window.is_padded


def _in_one_row(step: ConvolutionStep) -> ConvolutionStep:
    """The same step with all positions in one row, where windows are single positions."""
    if not _is_pointwise(step):
        return step
    source, target = (Image(1, i.rows * i.columns, i.channels) for i in (step.source, step.target))
    return replace(step, source=source, target=target)
