"""CONV_2D with windows of at most 3 or 5 values: ppg_conv_few.h."""

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Structure
from ppg_deploy.compile.kernels.convolution import (
    ColumnsConvolution,
    convolution_parameters,
    copied_row_values,
    window_offsets,
)
from ppg_deploy.compile.kernels.quads import row_cycles
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize_fused import FusedFactor, fused_factors
from ppg_deploy.compile.steps import ConvolutionStep, Step, WeightedStep

_WEIGHT_SCALE, _VALUE_SCALE = 256, 64
_RIGHT = 17
_POSITIONS = 64


class FewValuesConvolution(ColumnsConvolution):
    """A first layer: channels keep their weights in registers and run over stretches of positions."""

    header = "ppg_conv_few.h"
    values: int
    channels_together: int
    cycles_of_two: int
    """Cycles of two positions and the channels that are computed together."""

    def __init__(self) -> None:
        self._factors = once_per_weights(_factors)
        self._stream = once_per_weights(self._packed)
        self.files = (
            "ppg_conv.h",
            "ppg_conv_few.h",
            "ppg_conv_few_rows.h",
            "ppg_conv_rows.h",
            "ppg_matrix.h",
            f"ppg_{self.name}.c",
        )

    def matches(self, step: Step) -> bool:
        """True for few values in a window and exact factors."""
        return (
            isinstance(step, ConvolutionStep)
            and step.groups == 1
            and step.weights[0].size <= self.values
            and len(step.weights) % self.channels_together == 0
            and self._factors(step) is not None
        )

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """None: first layers make more of their input than it was."""
        del step
        return ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Values of a stretch, as many words for two positions as a window has values, then copied rows."""
        assert isinstance(step, ConvolutionStep)
        return _POSITIONS // 2 * 4 * self.values + 4 + copied_row_values(step, in_place)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of the routine."""
        assert isinstance(step, ConvolutionStep)
        stream = self._stream(step)
        parameters = convolution_parameters(step, in_place, stream, len(stream))
        offsets = window_offsets(step, in_place).values
        missing = max(0, self.values - len(offsets))
        parameters["offsets"] = Array("offsets", np.pad(offsets, (0, missing)))
        return Code(f"ppg_{self.name}", Structure("ppg_conv_t", parameters))

    def predicted_cycles(self, step: Step) -> int:
        """By stretches, channels together and pairs of positions."""
        assert isinstance(step, ConvolutionStep)
        columns, passes = step.target.columns, step.target.channels // self.channels_together
        stretches = -(-columns // _POSITIONS)
        twos = -(-columns // 2)
        of_pass = self.cycles_of_two * twos + 6 * -(-twos // 4) + 34 * stretches
        laying_out = (9 * self.values + 3) * twos + 120 * stretches
        return step.target.rows * (passes * of_pass + laying_out + row_cycles(step))

    def _packed(self, step: WeightedStep) -> NDArray[np.int32]:
        factors = self._factors(step)
        assert factors is not None
        flat = step.weights.reshape(len(step.weights), -1)
        weights = np.zeros((len(flat), self.values), np.int64)
        weights[:, : flat.shape[1]] = flat
        factor_words = np.array([(factor.multiplier, factor.first) for factor in factors], np.int64)
        words = self.channel_words(_WEIGHT_SCALE * weights, factor_words)
        return (words.reshape(-1) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)

    @abstractmethod
    def channel_words(self, weights: NDArray[np.int64], factors: NDArray[np.int64]) -> NDArray[np.int64]:
        """The stream, one row for channels that are computed together.

        Args:
            weights: (channels, values), scaled.
            factors: (channels, 2).
        """


class ThreesConvolution(FewValuesConvolution):
    """At most 3 values, two channels at a time."""

    name = "conv_threes"
    values = 3
    channels_together = 2
    cycles_of_two = 26
    code_bytes = 1000

    def channel_words(self, weights: NDArray[np.int64], factors: NDArray[np.int64]) -> NDArray[np.int64]:
        """As in ppg_conv_few.h."""
        even, odd = weights[0::2], weights[1::2]
        pairs = (_pair(even[:, 0], even[:, 1]), _pair(odd[:, 0], odd[:, 1]), _pair(even[:, 2], odd[:, 2]))
        return np.column_stack([*pairs, factors[0::2], factors[1::2]])


class FivesConvolution(FewValuesConvolution):
    """At most 5 values, one channel at a time."""

    name = "conv_fives"
    values = 5
    channels_together = 1
    cycles_of_two = 20
    code_bytes = 950

    def channel_words(self, weights: NDArray[np.int64], factors: NDArray[np.int64]) -> NDArray[np.int64]:
        """As in ppg_conv_few.h."""
        pairs = (_pair(weights[:, 0], weights[:, 1]), _pair(weights[:, 2], weights[:, 3]), weights[:, 4])
        return np.column_stack([*pairs, factors])


def _pair(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.int64]:
    return (low & 0xFFFF) | (high << 16)


def _factors(step: WeightedStep) -> tuple[FusedFactor, ...] | None:
    """Factors for scaled sums of products of weights and codes, without bias."""
    sums = step.weights.reshape(len(step.weights), -1).astype(np.int64).sum(axis=1)
    return fused_factors(
        step, _WEIGHT_SCALE * _VALUE_SCALE, _RIGHT, added_later=step.bias - step.input_zero * sums
    )
