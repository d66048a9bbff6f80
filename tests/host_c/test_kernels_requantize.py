"""The requantisation formulas of ppg_requant.h and ppg_pool.c against TensorFlow Lite's two roundings."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import Factor, general_factor, short_factor
from tests.support.compile_host import RUNTIME, WARNINGS

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")

_SOURCE = """
#include "ppg_requant.h"
void many(int proven, const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c);
void many(int proven, const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c) {
  ppg_factor_t factor = {a, b, c};
  for (int32_t i = 0; i < count; i++) {
    out[i] = proven ? ppg_requantize_proven(in[i], &factor) : ppg_requantize(in[i], a, b, c);
  }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("requantize")
    (folder / "many.c").write_text(_SOURCE)
    target = folder / "many.so"
    command = ["gcc", *WARNINGS, "-O2", "-shared", "-fPIC", f"-I{RUNTIME}", str(folder / "many.c")]
    subprocess.run([*command, "-o", str(target)], check=True, timeout=60)
    return ctypes.CDLL(str(target))


def _in_c(library: ctypes.CDLL, values: NDArray[np.int64], factor: Factor, proven: bool) -> NDArray[np.int32]:
    source = values.astype(np.int32)
    target = np.empty_like(source)
    library.many(
        int(proven),
        source.ctypes.data_as(ctypes.c_void_p),
        target.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int32(source.size),
        *(ctypes.c_int32(word) for word in factor.words),
    )
    return target


def _two_roundings(value: int, multiplier: int, shift: int) -> int:
    """TensorFlow Lite's definition in exact integers, independent of numpy and of both C forms.

    Source: gemmlowp fixedpoint.h, SaturatingRoundingDoublingHighMul and RoundingDivideByPOT.
    """
    product = (value << max(shift, 0)) * multiplier
    nudge = (1 << 30) if product >= 0 else 1 - (1 << 30)
    high = abs(product + nudge) >> 31
    high = high if product + nudge >= 0 else -high
    right = max(-shift, 0)
    mask = (1 << right) - 1
    remainder = high & mask
    return (high >> right) + (1 if remainder > (mask >> 1) + (high < 0) else 0)


def _accumulators(multiplier: int, right: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Values around every tie of both roundings near zero, random ones, and the ends of the proven range."""
    step = 2.0 ** (31 + right) / multiplier
    near_ties = [
        np.floor((index + 0.5) * step + offset) for index in range(-130, 131) for offset in range(-2, 4)
    ]
    limit = 1 << 30
    small = np.arange(-3000, 3000)
    random = rng.integers(-limit, limit, 2000)
    values = np.concatenate([near_ties, small, random, [-limit, limit - 1]])
    return np.unique(np.clip(values, -limit, limit - 1)).astype(np.int64)


@pytest.mark.parametrize("right", range(1, 23))
def test_proven_form_equals_two_roundings(library: ctypes.CDLL, right: int) -> None:
    rng = np.random.default_rng(right)
    multipliers = [1 << 30, (1 << 31) - 1, 3 << 29, 0, *map(int, rng.integers(1 << 30, 1 << 31, 3))]
    for multiplier in multipliers:
        values = _accumulators(multiplier or 1 << 30, right, rng)
        for zero in (-128, -5, 0, 127):
            factor = short_factor(multiplier, -right, zero)
            expected = [_two_roundings(int(value), multiplier, -right) + zero for value in values]
            np.testing.assert_array_equal(_in_c(library, values, factor, True), expected)


@pytest.mark.parametrize("shift", [-31, -30, -23, -12, -7, -1, 0, 1, 5, 14])
def test_general_form_equals_two_roundings(library: ctypes.CDLL, shift: int) -> None:
    rng = np.random.default_rng(shift + 100)
    limit = (1 << 31) >> max(shift, 0)
    for multiplier in (1 << 30, (1 << 31) - 1, 0, int(rng.integers(1 << 30, 1 << 31))):
        values = np.concatenate([rng.integers(-limit, limit, 3000), [-limit, limit - 1, 0, 1, -1]])
        expected = [_two_roundings(int(value), multiplier, shift) for value in values]
        result = _in_c(library, values, general_factor(multiplier, shift), False)
        np.testing.assert_array_equal(result, np.array(expected, np.int64))


def test_average_reciprocal_is_exact() -> None:
    """The quotient that ppg_pool.c computes with a reciprocal, for every sum that a window can have."""
    for count in [*range(1, 200), 255, 256, 1000, 4079, 4080]:
        reciprocal = -(-(1 << 31) // count)
        assert reciprocal < 1 << 32
        largest = 128 * count + count // 2
        quotients = np.arange(0, 130, dtype=np.uint64)
        edges = np.concatenate([quotients * count, quotients * count + (count - 1)])
        magnitudes = edges[edges <= largest]
        np.testing.assert_array_equal(
            (magnitudes * np.uint64(reciprocal)) >> np.uint64(31), magnitudes // count
        )


def test_headers_compile_alone(tmp_path: Path) -> None:
    for header in sorted(RUNTIME.glob("*.h")):
        source = tmp_path / f"{header.stem}.c"
        source.write_text(f'#include "{header.name}"\n#include "{header.name}"\nint unused;\n')
        command = ["gcc", *WARNINGS, f"-I{RUNTIME}", "-c", str(source), "-o", str(tmp_path / "x.o")]
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0, (
            header.name
        )
