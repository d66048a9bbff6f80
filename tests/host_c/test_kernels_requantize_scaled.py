"""Three-instruction requantisation against TensorFlow Lite's two roundings in exact integers."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import Factor, accumulator_ranges
from ppg_deploy.compile.requantize_scaled import scaled_factors
from ppg_deploy.compile.steps import DenseStep
from ppg_deploy.graph.arithmetic import quantize_multiplier
from tests.host_c.test_kernels_requantize import _two_roundings
from tests.support.compile_host import RUNTIME, WARNINGS

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")

_SOURCE = """
#include "ppg_requant.h"
void many(const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c);
void many(const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c) {
  ppg_factor_t factor = {a, b, c};
  for (int32_t i = 0; i < count; i++) out[i] = ppg_saturate8(ppg_requantize_scaled(in[i], &factor));
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("scaled")
    (folder / "many.c").write_text(_SOURCE)
    target = folder / "many.so"
    command = ["gcc", *WARNINGS, "-O2", "-shared", "-fPIC", f"-I{RUNTIME}", str(folder / "many.c")]
    subprocess.run([*command, "-o", str(target)], check=True, timeout=60)
    return ctypes.CDLL(str(target))


def _in_c(library: ctypes.CDLL, scaled: NDArray[np.int64], factor: Factor) -> NDArray[np.int32]:
    source = scaled.astype(np.int32)
    assert (source == scaled).all()
    target = np.empty_like(source)
    library.many(
        source.ctypes.data_as(ctypes.c_void_p),
        target.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int32(source.size),
        *(ctypes.c_int32(word) for word in factor.words),
    )
    return target


def _layer(seed: int, low: int, zero: int) -> DenseStep:
    random = np.random.default_rng(seed)
    channels, values = 8, int(random.integers(2, 60))
    weights = np.clip(random.laplace(0, 30, (channels, 1, 1, values)), -127, 127).astype(np.int8)
    # Bias and scale of a layer that uses its output range.
    bias = random.integers(-20000, 20000, channels)
    reach = np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3)) * 128
    reals = 2.0 ** random.uniform(6, 9, channels) / np.maximum(reach, 1)
    return DenseStep(
        operators=(0,),
        kind="FULLY_CONNECTED",
        name="y",
        inputs=("x",),
        output="y",
        output_bytes=channels,
        low=low,
        weights=weights,
        bias=bias,
        multipliers=tuple(quantize_multiplier(float(real)) for real in reals),
        input_zero=int(random.integers(-128, 128)),
        output_zero=zero,
    )


@pytest.mark.parametrize("scale", [24, 192, 256])
@pytest.mark.parametrize("zero", [-128, -77, 0])
def test_relu_layers_have_factors_that_are_exact_for_every_reachable_accumulator(
    library: ctypes.CDLL, scale: int, zero: int
) -> None:
    proven = 0
    for seed in range(6):
        step = _layer(seed, zero, zero)
        factors = scaled_factors(step, scale)
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
                min(127, max(zero, _two_roundings(int(value), multiplier, shift) + zero)) for value in values
            ]
            answers = np.maximum(_in_c(library, scale * values, factor), zero)
            np.testing.assert_array_equal(answers, expected)
    assert proven >= 5


def _first_above(code: int, multiplier: int, shift: int, zero: int, low: int, high: int) -> int:
    while low < high:
        middle = (low + high) // 2
        if _two_roundings(middle, multiplier, shift) + zero >= code:
            high = middle
        else:
            low = middle + 1
    return low


def test_negative_codes_round_the_other_way_and_are_refused() -> None:
    refused = [scaled_factors(_layer(seed, -128, 0), 256) for seed in range(6)]
    assert None in refused


def test_accumulators_beyond_32_bits_are_refused() -> None:
    step = _layer(0, -128, -128)
    reach = max(abs(end) for ends in accumulator_ranges(step) for end in ends)
    assert scaled_factors(step, 2**31 // reach) is not None
    assert scaled_factors(step, 2**31 // reach + 2) is None


def test_a_channel_with_one_answer_needs_no_multiplier() -> None:
    step = _layer(3, -128, -128)
    weights, bias = step.weights.copy(), step.bias.copy()
    weights[2], bias[2] = 0, -5
    dead = DenseStep(**{**vars(step), "weights": weights, "bias": bias})
    factors = scaled_factors(dead, 256)
    assert factors is not None
    assert factors[2] == Factor(0, -256, 1)
