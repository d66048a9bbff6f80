"""Where TFLM's codes change, and what that asks of another way to compute them.

A step's code f(a) of an accumulator a (two roundings, zero point, clamp: see requantize.py) never decreases with a. A
kernel's own form g(a) does not, either. So both are equal for all reachable accumulators when they are equal on both
sides of each of f's steps and at both ends of the range: at most 512 comparisons a channel, all of which are made.
"""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import accumulator_ranges
from ppg_deploy.compile.steps import WeightedStep
from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier

Longs = NDArray[np.int64]

# Accumulators; a power of two needs the fewest comparisons.
_GUESS_REACH = 8


class CodeSteps:
    """The steps of TFLM's codes for some channels; every array has one row a channel.

    `codes` are all but the lowest one, `steps` the first reachable accumulator of each, and `is_step` tells where
    there is one with a reachable accumulator below it. `low` and `high` are the ends of what can be reached.
    """

    def __init__(self, step: WeightedStep, channels: NDArray[np.integer]) -> None:
        ranges = np.array(accumulator_ranges(step), np.int64)[channels]
        factors = np.array(step.multipliers, np.int64)[channels]
        self.low, self.high = ranges[:, :1], ranges[:, 1:]
        self._multiplier, self._shift = factors[:, :1], factors[:, 1:]
        self._zero = step.output_zero
        self.lowest_code, self.highest_code = step.low, step.high
        self.codes = np.arange(step.low + 1, step.high + 1, dtype=np.int64)[None, :]
        self.steps = self._first_accumulators()
        self.is_step = (self.codes <= self.exact(self.high)) & (self.steps > self.low)

    def exact(self, accumulators: Longs) -> Longs:
        """TFLM's codes."""
        codes = multiply_by_quantized_multiplier(accumulators, self._multiplier, self._shift) + self._zero
        return np.clip(codes, self.lowest_code, self.highest_code)

    @property
    def real_factors(self) -> NDArray[np.float64]:
        """Codes per accumulator, about: (channels,)."""
        return np.asarray(self._multiplier[:, 0] * np.exp2(self._shift[:, 0] - 31.0))

    def _first_accumulators(self) -> Longs:
        """The lowest reachable accumulator of each code or a larger one; the highest one if there is none."""
        # Near where real numbers change over; whole ranges are searched where that is not so.
        real = np.maximum(self.real_factors, 2.0**-31)[:, None]
        guess = np.round((self.codes - 0.5 - self._zero) / real).astype(np.int64)
        below = np.clip(guess - _GUESS_REACH, self.low, self.high)
        above = np.clip(guess + _GUESS_REACH, self.low, self.high)
        below = np.where(self.exact(below) < self.codes, below, self.low)
        above = np.where(self.exact(above) >= self.codes, above, self.high)
        while np.any(below < above):
            middle = (below + above) >> 1
            has_code = self.exact(middle) >= self.codes
            above = np.where(has_code, middle, above)
            below = np.where(has_code, below, np.minimum(middle + 1, above))
        return above
