"""Chooses how accumulators become int8 again, and proves that the short form is exact where it is chosen.

The short form computes, for an accumulator a, a multiplier M and a right shift e,

    (((2 a M + 2^31) >> 32) + 2^(e-1) + (zero << e) - (a < 0)) >> e

TFLM computes RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(a, M), e) + zero. Both are equal for all
-2^30 <= a < 2^30, 0 <= M < 2^31, 1 <= e <= 22: docs/aot.md has the argument, tests/host_c/test_kernels_requantize.py
the exhaustive and random comparison.
"""

from dataclasses import dataclass

import numpy as np

from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.steps import WeightedStep
from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier

_LARGEST_ACCUMULATOR = 1 << 30
_LARGEST_RIGHT_SHIFT = 22
_LARGEST_INT32 = (1 << 31) - 1


@dataclass(frozen=True)
class Factor:
    """The three words of ppg_factor_t."""

    multiplier: int
    first: int
    right: int

    @property
    def words(self) -> tuple[int, int, int]:
        """In the order of the C structure."""
        return (self.multiplier, self.first, self.right)

    @property
    def fields(self) -> dict[str, int]:
        """By the names of the C structure."""
        return {"multiplier": self.multiplier, "first": self.first, "right": self.right}


def general_factor(multiplier: int, shift: int) -> Factor:
    """Any factor: left shift, multiplication, right shift."""
    return Factor(multiplier, max(shift, 0), max(-shift, 0))


def has_short_form(multiplier: int, shift: int) -> bool:
    """True when the short form is exact for all accumulators in its range."""
    return multiplier == 0 or 1 <= -shift <= _LARGEST_RIGHT_SHIFT


def short_factor(multiplier: int, shift: int, zero: int) -> Factor:
    """The short form's words; `zero` is the output's zero point."""
    # A multiplier of 0 gives 0 with every shift, so it takes the smallest one that the short form has.
    right = -shift if multiplier else 1
    return Factor(multiplier, (1 << (right - 1)) + (zero << right), right)


@once_per_weights
def proven_factors(step: WeightedStep) -> tuple[Factor, ...] | None:
    """Short-form factors of all channels, or None when some channel's short form is not proven exact."""
    factors = []
    for constant, (multiplier, shift), (low, high) in zip(
        constant_codes(step), step.multipliers, accumulator_ranges(step), strict=True
    ):
        if constant is not None:
            # 0 times anything, plus the code as zero point: no condition on the accumulator is left.
            factors.append(short_factor(0, 0, constant))
        elif (
            low >= -_LARGEST_ACCUMULATOR and high < _LARGEST_ACCUMULATOR and has_short_form(multiplier, shift)
        ):
            factors.append(short_factor(multiplier, shift, step.output_zero))
        else:
            return None
    return tuple(factors)


@once_per_weights
def constant_codes(step: WeightedStep) -> tuple[int | None, ...]:
    """Per channel, the only code that it can answer with, or None: training leaves such dead channels behind.

    Requantisation never decreases with the accumulator, so equal ends mean a constant, unless int32 wraps between.
    """
    multipliers, shifts = np.array(step.multipliers, np.int64).T[:, :, None]
    ends = np.where(multipliers == 0, 0, np.array(accumulator_ranges(step), np.int64))
    stays = np.abs(ends << np.maximum(shifts, 0)).max(axis=1) <= _LARGEST_INT32
    codes = multiply_by_quantized_multiplier(np.where(stays[:, None], ends, 0), multipliers, shifts)
    first, last = np.clip(codes + step.output_zero, step.low, step.high).T
    return tuple(
        int(code) if is_constant else None
        for code, is_constant in zip(first, stays & (first == last), strict=True)
    )


def factors_of(step: WeightedStep) -> tuple[bool, tuple[Factor, ...]]:
    """(short form is proven, factors)."""
    proven = proven_factors(step)
    if proven is not None:
        return True, proven
    return False, tuple(general_factor(multiplier, shift) for multiplier, shift in step.multipliers)


@once_per_weights
def accumulator_ranges(step: WeightedStep) -> tuple[tuple[int, int], ...]:
    """Lowest and highest accumulator of each channel over all int8 inputs; padding is one of them."""
    weights = step.weights.reshape(len(step.weights), -1)
    positive = np.maximum(weights, 0).sum(axis=1, dtype=np.int64)
    negative = np.minimum(weights, 0).sum(axis=1, dtype=np.int64)
    lowest, highest = -128 - step.input_zero, 127 - step.input_zero
    low = step.bias + positive * lowest + negative * highest
    high = step.bias + positive * highest + negative * lowest
    return tuple((int(first), int(last)) for first, last in zip(low, high, strict=True))


def folded_biases(step: WeightedStep) -> list[int]:
    """Biases from which the input's zero point is already taken: bias - zero * sum of weights, modulo 2^32."""
    sums = step.weights.reshape(len(step.weights), -1).astype(np.int64).sum(axis=1)
    folded = step.bias - step.input_zero * sums
    return [(int(value) + (1 << 31)) % (1 << 32) - (1 << 31) for value in folded]


@dataclass(frozen=True)
class Channels:
    """What is proven about all channels of a step: reachable accumulators, dead channels, the short form."""

    lowest: int
    highest: int
    dead: int
    short: bool


def proven_channels(step: WeightedStep) -> Channels:
    """A summary of what the proofs of this module found."""
    ranges = accumulator_ranges(step)
    return Channels(
        lowest=min(low for low, _ in ranges),
        highest=max(high for _, high in ranges),
        dead=sum(code is not None for code in constant_codes(step)),
        short=proven_factors(step) is not None,
    )
