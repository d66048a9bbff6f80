"""CONV_2D with windows of at most 3 values: ppg_conv_threes.h."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Code, Structure
from ppg_deploy.compile.kernels.by_weights import ByWeights
from ppg_deploy.compile.kernels.convolution import (
    ColumnsConvolution,
    convolution_parameters,
    copied_row_values,
    row_cycles,
    window_offsets,
)
from ppg_deploy.compile.requantize_fused import FusedFactor, fused_factors
from ppg_deploy.compile.steps import ConvolutionStep, Step, WeightedStep

_VALUES = 3
_WEIGHT_SCALE, _VALUE_SCALE = 256, 64
_RIGHT = 17
_POSITIONS = 64
_SCRATCH = _POSITIONS // 2 * 12 + 4


class ThreesConvolution(ColumnsConvolution):
    """A first layer: few window values, two channels at a time with their weights in registers."""

    name = "conv_threes"
    header = "ppg_conv_threes.h"
    files = ("ppg_conv.h", "ppg_conv_rows.h", "ppg_conv_threes.c", "ppg_conv_threes.h", "ppg_matrix.h")
    code_bytes = 1000

    def __init__(self) -> None:
        self._factors = ByWeights(_factors)
        self._stream = ByWeights(self._packed)

    def matches(self, step: Step) -> bool:
        """True for an even number of channels with exact factors, and at most 3 values in a window."""
        return (
            isinstance(step, ConvolutionStep)
            and step.groups == 1
            and step.weights[0].size <= _VALUES
            and len(step.weights) % 2 == 0
            and self._factors(step) is not None
        )

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """None: the positions of a stretch are read before its outputs are written, but not those behind it."""
        del step
        return ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Values of a stretch, then copied rows."""
        assert isinstance(step, ConvolutionStep)
        return _SCRATCH + copied_row_values(step, in_place)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_conv_threes."""
        assert isinstance(step, ConvolutionStep)
        stream = self._stream(step)
        parameters = convolution_parameters(step, in_place, stream, len(stream))
        parameters["offsets"] = window_offsets(step, in_place)
        return Code("ppg_conv_threes", Structure("ppg_conv_t", parameters))

    def predicted_cycles(self, step: Step) -> int:
        """By stretches, pairs of channels and pairs of positions."""
        assert isinstance(step, ConvolutionStep)
        columns, pairs = step.target.columns, step.target.channels // 2
        stretches = -(-columns // _POSITIONS)
        twos = -(-columns // 2)
        of_pair = 26 * twos + 6 * -(-twos // 4) + 34 * stretches
        return step.target.rows * (pairs * of_pair + 22 * twos + 100 * stretches + row_cycles(step))

    def _packed(self, step: WeightedStep) -> NDArray[np.int32]:
        factors = self._factors(step)
        assert factors is not None
        flat = step.weights.reshape(len(step.weights), -1)
        weights = np.zeros((len(flat), _VALUES), np.int64)
        weights[:, : flat.shape[1]] = flat
        weights *= _WEIGHT_SCALE
        words = np.zeros((len(flat) // 2, 7), np.int64)
        even, odd = weights[0::2], weights[1::2]
        words[:, 0] = (even[:, 0] & 0xFFFF) | (even[:, 1] << 16)
        words[:, 1] = (odd[:, 0] & 0xFFFF) | (odd[:, 1] << 16)
        words[:, 2] = (even[:, 2] & 0xFFFF) | (odd[:, 2] << 16)
        words[:, 3:] = np.array([(factor.multiplier, factor.first) for factor in factors]).reshape(-1, 4)
        return (words.reshape(-1) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def _factors(step: WeightedStep) -> tuple[FusedFactor, ...] | None:
    """Factors for scaled sums of products of weights and codes, without bias."""
    sums = step.weights.reshape(len(step.weights), -1).astype(np.int64).sum(axis=1)
    return fused_factors(
        step, _WEIGHT_SCALE * _VALUE_SCALE, _RIGHT, added_later=step.bias - step.input_zero * sums
    )
