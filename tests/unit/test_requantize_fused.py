"""Requantisation with one right shift, and with signs, against TFLM's two roundings in exact integers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import accumulator_ranges
from ppg_deploy.compile.requantize_fused import FusedFactor, fused_factors, signed_factors
from ppg_deploy.compile.steps import DenseStep
from ppg_deploy.graph.arithmetic import quantize_multiplier
from tests.support.requantize_cases import dense_layer, two_roundings

_SCALE = 256


def _layer(seed: int, low: int, zero: int, codes: float) -> DenseStep:
    return dense_layer(seed, low, zero, codes=(codes, codes), largest_bias=3000)


def _check(step: DenseStep, factors: tuple[FusedFactor, ...], scale: int, missing: NDArray[np.int64]) -> None:
    for channel, (factor, ends) in enumerate(zip(factors, accumulator_ranges(step), strict=True)):
        multiplier, shift = step.multipliers[channel]
        random = np.random.default_rng(channel)
        some = [*ends, -1, 0, 1, *random.integers(ends[0], ends[1] + 1, 1500).tolist()]
        # Both sides of each step of the exact code, where errors of one would show.
        for code in range(step.low, 128):
            border = round((code - step.output_zero - 0.5) * 2.0 ** (31 - shift) / multiplier)
            some += range(border - 2, border + 3)
        for accumulator in some:
            if not ends[0] <= accumulator <= ends[1]:
                continue
            scaled = (accumulator - int(missing[channel])) * scale
            assert -(1 << 31) <= scaled < 1 << 31
            deduction = factor.deduction if accumulator < 0 else 0
            value = (factor.first - deduction + (scaled * factor.multiplier >> 32)) >> factor.right
            exact = two_roundings(accumulator, multiplier, shift) + step.output_zero
            expected = max(step.low, min(127, exact))
            # The kernel's clamp cuts to `low` afterwards.
            assert max(step.low, min(127, max(-128, value))) == expected, (channel, accumulator)


@pytest.mark.parametrize(("right", "reach"), [(11, 2000.0), (14, 300.0)])
def test_relu_layers_share_a_right_shift(right: int, reach: float) -> None:
    found = 0
    for seed in range(12):
        step = _layer(seed, -128, -128, reach)
        factors = fused_factors(step, _SCALE, right)
        if factors is not None:
            found += 1
            assert all(factor.right == right and factor.deduction == 0 for factor in factors)
            _check(step, factors, _SCALE, np.zeros(8, np.int64))
    assert found >= 4


def test_signed_layers_have_deductions() -> None:
    found = 0
    for seed in range(12):
        step = _layer(seed, -128, (-128, 0, 17, 127)[seed % 4], 400.0)
        factors = signed_factors(step, _SCALE)
        if factors is not None:
            found += any(factor.deduction > 0 for factor in factors)
            _check(step, factors, _SCALE, np.zeros(8, np.int64))
    assert found >= 6


def test_bias_added_later_is_part_of_the_first_word() -> None:
    found = 0
    for seed in range(30):
        whole = _layer(seed, -128, -128, 300.0)
        weights = np.ascontiguousarray(whole.weights[..., :3])
        reals = 300.0 / (np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3)) * 128 + 1)
        multipliers = tuple(quantize_multiplier(float(real)) for real in reals)
        fields = {name: getattr(whole, name) for name in whole.__dataclass_fields__}
        step = DenseStep(**{**fields, "weights": weights, "multipliers": multipliers})
        missing = step.bias - step.input_zero * weights.astype(np.int64).sum(axis=(1, 2, 3))
        factors = fused_factors(step, _SCALE * 64, 17, added_later=missing)
        if factors is not None:
            found += 1
            _check(step, factors, _SCALE * 64, missing)
    assert found >= 6


def test_accumulators_that_leave_32_bits_have_no_factors() -> None:
    step = _layer(1, -128, 0, 400.0)
    assert fused_factors(step, 1 << 16, 14) is None
    assert signed_factors(step, 1 << 16) is None
