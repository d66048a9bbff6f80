"""Chooses how accumulators become int8 again, and proves that the short form is exact where it is chosen.

The short form computes, for an accumulator a, a multiplier M and a right shift e,

    (((2 a M + 2^31) >> 32) + 2^(e-1) + (zero << e) - (a < 0)) >> e

TFLM computes RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(a, M), e) + zero. Both are equal for all
-2^30 <= a < 2^30, 0 <= M < 2^31, 1 <= e <= 22: docs/aot.md has the argument, tests/host_c/test_kernels_requantize.py
the exhaustive and random comparison.
"""

from dataclasses import dataclass

import numpy as np

from ppg_deploy.compile.steps import WeightedStep

_LARGEST_ACCUMULATOR = 1 << 30
_LARGEST_RIGHT_SHIFT = 22


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


def proven_factors(step: WeightedStep) -> tuple[Factor, ...] | None:
    """Short-form factors of all channels, or None when some channel's short form is not proven exact."""
    in_range = all(
        low >= -_LARGEST_ACCUMULATOR and high < _LARGEST_ACCUMULATOR for low, high in _ranges(step)
    )
    if not in_range or not all(has_short_form(*multiplier) for multiplier in step.multipliers):
        return None
    return tuple(short_factor(*multiplier, step.output_zero) for multiplier in step.multipliers)


def factors_of(step: WeightedStep) -> tuple[bool, tuple[Factor, ...]]:
    """(short form is proven, factors)."""
    proven = proven_factors(step)
    if proven is not None:
        return True, proven
    return False, tuple(general_factor(multiplier, shift) for multiplier, shift in step.multipliers)


def _ranges(step: WeightedStep) -> list[tuple[int, int]]:
    """Lowest and highest accumulator of each channel over all int8 inputs; padding is one of them."""
    weights = step.weights.reshape(len(step.weights), -1).astype(np.int64)
    lowest, highest = -128 - step.input_zero, 127 - step.input_zero
    products = np.stack([weights * lowest, weights * highest])
    low = step.bias + products.min(axis=0).sum(axis=1)
    high = step.bias + products.max(axis=0).sum(axis=1)
    return [(int(first), int(last)) for first, last in zip(low, high, strict=True)]


def folded_biases(step: WeightedStep) -> list[int]:
    """Biases from which the input's zero point is already taken: bias - zero * sum of weights, modulo 2^32."""
    sums = step.weights.reshape(len(step.weights), -1).astype(np.int64).sum(axis=1)
    folded = step.bias - step.input_zero * sums
    return [(int(value) + (1 << 31)) % (1 << 32) - (1 << 31) for value in folded]
