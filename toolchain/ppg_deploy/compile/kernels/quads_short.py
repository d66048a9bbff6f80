"""CONV_2D by ppg_conv_quads.h with the fewest bytes per channel: ppg_quads_short.c."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.quads import CHANNELS, SCALE, QuadsConvolution, pack_quads
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import Factor, accumulator_ranges, folded_biases, proven_factors
from ppg_deploy.compile.steps import ConvolutionStep, Step, WeightedStep

_LARGEST_INT32 = (1 << 31) - 1
_SHIFT_BITS = 5
_ZERO_AT = 23


class ShortQuadsConvolution(QuadsConvolution):
    """Any convolution whose sums fit 24 bits and whose channels have the proven form."""

    def __init__(self) -> None:
        super().__init__(None)
        self.files = (
            *(name for name in self.files if name != f"ppg_quads_{self._suffix}.c"),
            "ppg_quads_short.c",
        )
        self._suffix = "short"
        self.name = "conv_quads_short"
        self._short_factors = once_per_weights(short_factors)
        self._stream = once_per_weights(self._packed_short)

    def matches(self, step: Step) -> bool:
        """True when each channel has the proven form, and the dead ones hold the output's zero point."""
        return isinstance(step, ConvolutionStep) and self._short_factors(step) is not None

    def _packed_short(self, step: WeightedStep) -> NDArray[np.int32]:
        assert isinstance(step, ConvolutionStep)
        factors = self._short_factors(step)
        assert factors is not None
        per_group = step.target.channels // step.groups
        flat = step.weights.reshape(step.target.channels, -1)
        biases = np.array(folded_biases(step), np.int64)
        none = np.zeros((per_group, 0), np.int32)
        parts = []
        for first in range(0, step.target.channels, per_group):
            group = slice(first, first + per_group)
            words = pack_quads(flat[group], biases[group], none).reshape(-(-per_group // CHANNELS), -1)
            parts.append(np.hstack([words, _factor_words(factors[group], step.output_zero)]).reshape(-1))
        return np.concatenate(parts)


def short_factors(step: WeightedStep) -> tuple[Factor, ...] | None:
    """The factors of all channels, or None when a channel has no short form, or its sums times 256 leave 32 bits."""
    factors = proven_factors(step)
    if factors is None:
        return None
    for factor, ends in zip(factors, accumulator_ranges(step), strict=True):
        if factor.multiplier == 0:
            # Of a dead channel the routine knows only the zero point.
            if factor.first >> factor.right != step.output_zero:
                return None
        elif max(map(abs, ends)) * SCALE > _LARGEST_INT32:
            return None
    return factors


def _factor_words(factors: tuple[Factor, ...], zero: int) -> NDArray[np.int32]:
    """(fours of channels, 5): the word of shifts and zero point, then the multipliers."""
    missing = -len(factors) % CHANNELS
    complete = (*factors, *(Factor(0, 0, 1) for _ in range(missing)))
    multipliers = np.array([factor.multiplier for factor in complete], np.int64).reshape(-1, CHANNELS)
    shifts = np.array([factor.right - 1 for factor in complete], np.int64).reshape(-1, CHANNELS)
    places = 1 << _SHIFT_BITS * np.arange(CHANNELS, dtype=np.int64)
    words = (shifts * places).sum(axis=1) + ((2 * zero + 1) << _ZERO_AT)
    return np.hstack([words[:, None], multipliers]).astype(np.int32)
