"""CONV_2D by columns of 2 positions, 4 channels at a time: ppg_conv_quads.h."""

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
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import folded_biases
from ppg_deploy.compile.requantize_fused import FusedFactor, fused_factors, signed_factors
from ppg_deploy.compile.steps import ConvolutionStep, Step, WeightedStep

CHANNELS = 4
POSITIONS = 2
SCALE = 256
_STEP_WORDS = 4
# PPG_QUADS_END as a window value.
_END_VALUE = 0x4080
_FUSED_WORDS, _ANY_WORDS = 2, 4
# Measured on the Cortex-M4 model, see docs/kernels.md.
_PAIR_CYCLES = 15
_LOOP_PAIRS, _LOOP_CYCLES = 8, 5
_FUSED_CYCLES, _ANY_CYCLES = 64, 100
# Entering and leaving the assembler: once a row, or once or twice a block.
_CALL_CYCLES = 120
_LEFT_OVER_CYCLES = 90


class QuadsConvolution(ColumnsConvolution):
    """Any convolution whose sums fit 24 bits; `right` is the routine's right shift, None for one per channel."""

    header = "ppg_conv_quads.h"
    shared_code = MappingProxyType({"ppg_conv_quads.c": 790})

    def __init__(self, right: int | None) -> None:
        self._right = right
        self._suffix = "any" if right is None else str(right)
        self.name = f"conv_quads_{self._suffix}"
        self.code_bytes = 1900 if right is None else 1750
        self.files = (
            "ppg_conv.h",
            "ppg_conv_quads.c",
            "ppg_conv_quads.h",
            "ppg_conv_rows.h",
            "ppg_matrix.h",
            "ppg_quads.h",
            "ppg_quads_fused.h",
            "ppg_quads_portable.h",
            "ppg_quads_simd.h",
            f"ppg_quads_{self._suffix}.c",
        )
        self._factors = once_per_weights(lambda step: quad_factors(step, right))
        self._stream = once_per_weights(self._packed)

    def matches(self, step: Step) -> bool:
        """True when each channel has an exact factor of the routine's form."""
        return isinstance(step, ConvolutionStep) and self._factors(step) is not None

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Columns, then copied rows."""
        assert isinstance(step, ConvolutionStep)
        return 4 * _STEP_WORDS * window_steps(step) + copied_row_values(step, in_place)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_conv_quads."""
        assert isinstance(step, ConvolutionStep)
        stream = self._stream(step)
        return Code(
            f"ppg_conv_quads_{self._suffix}",
            Structure(
                "ppg_conv_t", convolution_parameters(step, in_place, stream, len(stream) // step.groups)
            ),
        )

    def predicted_cycles(self, step: Step) -> int:
        """By blocks of 2 positions and 4 channels."""
        assert isinstance(step, ConvolutionStep)
        steps = window_steps(step)
        loops = -(-(2 * steps - 1) // _LOOP_PAIRS)
        fixed = _ANY_CYCLES if self._right is None else _FUSED_CYCLES
        block = _PAIR_CYCLES * 2 * steps + _LOOP_CYCLES * (loops - 1) + fixed
        channels = step.target.channels // step.groups
        fours = -(-channels // CHANNELS)
        blocks = -(-step.target.columns // POSITIONS)
        group = fours * block + columns_cycles(step)
        if channels % CHANNELS:
            group += _LEFT_OVER_CYCLES + (_CALL_CYCLES if channels > CHANNELS else 0)
        calls = blocks if channels % CHANNELS or pieces(step)[1] % 4 else 1
        per_group = blocks * group + (calls + step.target.columns % POSITIONS) * _CALL_CYCLES
        return step.target.rows * (step.groups * per_group + row_cycles(step))

    def _packed(self, step: WeightedStep) -> NDArray[np.int32]:
        assert isinstance(step, ConvolutionStep)
        factors = self._factors(step)
        assert factors is not None
        per_group = step.target.channels // step.groups
        flat = step.weights.reshape(step.target.channels, -1)
        biases = np.array(folded_biases(step), np.int64)
        words = np.array(factor_words(factors, self._right), np.int32)
        groups = [slice(first, first + per_group) for first in range(0, step.target.channels, per_group)]
        return np.concatenate([pack_quads(flat[group], biases[group], words[group]) for group in groups])


def quad_factors(step: WeightedStep, right: int | None) -> tuple[FusedFactor, ...] | None:
    """Factors for sums times 256."""
    return signed_factors(step, SCALE) if right is None else fused_factors(step, SCALE, right)


def factor_words(factors: tuple[FusedFactor, ...], right: int | None) -> list[tuple[int, ...]]:
    """The stream's words for each channel's factor."""
    if right is not None:
        return [(factor.multiplier, factor.first) for factor in factors]
    return [(factor.multiplier, factor.first, factor.deduction, factor.right) for factor in factors]


def pack_quads(
    weights: NDArray[np.int8],
    biases: NDArray[np.int64],
    factors: NDArray[np.int32],
    *,
    together: int = CHANNELS,
    end_value: int = _END_VALUE,
) -> NDArray[np.int32]:
    """The stream that ppg_quads.h describes, and with six channels together the one of ppg_dense_wide.h.

    Args:
        weights: int8 (channels, window values).
        biases: int64 (channels,), the input's zero point already folded in.
        factors: int32 (channels, words per factor).
        together: channels that are computed at a time, an even number.
        end_value: what marks the last value of a window.
    """
    channels, values = weights.shape
    groups, steps = -(-channels // together), -(-values // 4)
    padded = np.zeros((together * groups, 4 * steps), np.int64)
    padded[:channels, :values] = weights
    sums = np.zeros(together * groups, np.int64)
    sums[:channels] = biases
    # The mark is in the high half of the last pair of values, (4s + 1, 4s + 3).
    sums -= end_value * padded[:, -1]
    sums = sums.reshape(-1, 2)
    sums[:, 1] = 256 * sums[:, 1] + sums[:, 0]
    # (groups, pair of channels, A or B, steps, value in step)
    by_channel = padded.reshape(groups, together // 2, 2, steps, 4)
    halves = 256 * by_channel[:, :, 1] + by_channel[:, :, 0]
    words = (halves[..., [0, 1]] & 0xFFFF) | (halves[..., [2, 3]] << 16)
    ordered = words.transpose(0, 2, 3, 1).reshape(groups, -1)
    all_factors = np.zeros((together * groups, factors.shape[1]), np.int64)
    all_factors[:channels] = factors
    parts = [sums.reshape(groups, -1), ordered, all_factors.reshape(groups, -1)]
    return (np.concatenate(parts, axis=1).reshape(-1) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def columns_cycles(step: ConvolutionStep) -> int:
    """Widening the windows of 2 positions."""
    runs, run_values = pieces(step)
    if run_values % 4:
        return 32 * window_steps(step) + 50
    run = 26 * (run_values // 8) + (15 if run_values % 8 else 0) + 14
    return step.window.kernel[0] * (runs * run + 7) + 40


def row_cycles(step: ConvolutionStep) -> int:
    """Copying the rows under a window, and the second pass of a clamp."""
    copied = 0.9 * copied_row_values(step, False) + (60 if step.window.is_padded else 0)
    clamped = 0 if (step.low, step.high) == (-128, 127) else 2.5 * step.target.columns * step.target.channels
    return int(copied + clamped) + 60
