"""Three-instruction requantisation against TensorFlow Lite's two roundings in exact integers."""

import shutil

import numpy as np
import pytest

from ppg_deploy.compile.requantize import accumulator_ranges
from ppg_deploy.compile.requantize_fused import FusedFactor, fused_factors
from ppg_deploy.compile.steps import DenseStep
from tests.support.requantize_cases import SCALED, dense_layer, in_c, two_roundings

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


def _layer(seed: int, low: int, zero: int) -> DenseStep:
    return dense_layer(seed, low, zero, codes=(64, 512), largest_bias=20_000)


@pytest.mark.parametrize("scale", [24, 192, 256])
@pytest.mark.parametrize("zero", [-128, -77, 0])
def test_relu_layers_have_factors_that_are_exact_for_every_reachable_accumulator(
    scale: int, zero: int
) -> None:
    proven = 0
    for seed in range(6):
        step = _layer(seed, zero, zero)
        factors = fused_factors(step, scale, None)
        if factors is None:
            continue
        proven += 1
        for factor, (low, high), (multiplier, shift) in zip(
            factors, accumulator_ranges(step), step.multipliers, strict=True
        ):
            random = np.random.default_rng(seed)
            values = np.unique(np.concatenate([[low, high], random.integers(low, high, 3000, endpoint=True)]))
            # Both sides of every step of the output, found with exact integers.
            edges = [_first_above(code, multiplier, shift, zero, low, high) for code in range(zero + 1, 128)]
            values = np.unique(np.concatenate([values, np.array(edges), np.array(edges) - 1])).clip(low, high)
            expected = [
                min(127, max(zero, two_roundings(int(value), multiplier, shift) + zero)) for value in values
            ]
            answers = np.maximum(
                in_c(SCALED, scale * values, (factor.multiplier, factor.first, factor.right)), zero
            )
            np.testing.assert_array_equal(answers, expected)
    assert proven >= 5


def _first_above(code: int, multiplier: int, shift: int, zero: int, low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        if two_roundings(middle, multiplier, shift) + zero >= code:
            high = middle
        else:
            low = middle + 1
    return low


def test_negative_codes_round_the_other_way_and_are_refused() -> None:
    refused = [fused_factors(_layer(seed, -128, 0), 256, None) for seed in range(6)]
    assert None in refused


def test_accumulators_beyond_32_bits_are_refused() -> None:
    step = _layer(0, -128, -128)
    reach = max(abs(end) for ends in accumulator_ranges(step) for end in ends)
    assert fused_factors(step, 2**31 // reach, None) is not None
    assert fused_factors(step, 2**31 // reach + 2, None) is None


def test_a_channel_with_one_answer_needs_no_multiplier() -> None:
    step = _layer(3, -128, -128)
    weights, bias = step.weights.copy(), step.bias.copy()
    weights[2], bias[2] = 0, -5
    dead = DenseStep(**{**vars(step), "weights": weights, "bias": bias})
    factors = fused_factors(dead, 256, None)
    assert factors is not None
    assert factors[2] == FusedFactor(0, -256, 0, 1)
