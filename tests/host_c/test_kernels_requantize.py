"""The requantisation formulas of ppg_requant.h and ppg_pool.c against TensorFlow Lite's two roundings."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import general_factor, short_factor
from tests.support.compile_host import RUNTIME, WARNINGS
from tests.support.requantize_cases import GENERAL, PROVEN, in_c, two_roundings

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


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
def test_proven_form_equalstwo_roundings(right: int) -> None:
    rng = np.random.default_rng(right)
    multipliers = [1 << 30, (1 << 31) - 1, 3 << 29, 0, *map(int, rng.integers(1 << 30, 1 << 31, 3))]
    for multiplier in multipliers:
        values = _accumulators(multiplier or 1 << 30, right, rng)
        for zero in (-128, -5, 0, 127):
            factor = short_factor(multiplier, -right, zero)
            expected = [two_roundings(int(value), multiplier, -right) + zero for value in values]
            np.testing.assert_array_equal(in_c(PROVEN, values, factor.words), expected)


@pytest.mark.parametrize("shift", [-31, -30, -23, -12, -7, -1, 0, 1, 5, 14])
def test_general_form_equalstwo_roundings(shift: int) -> None:
    rng = np.random.default_rng(shift + 100)
    limit = (1 << 31) >> max(shift, 0)
    for multiplier in (1 << 30, (1 << 31) - 1, 0, int(rng.integers(1 << 30, 1 << 31))):
        values = np.concatenate([rng.integers(-limit, limit, 3000), [-limit, limit - 1, 0, 1, -1]])
        expected = [two_roundings(int(value), multiplier, shift) for value in values]
        result = in_c(GENERAL, values, general_factor(multiplier, shift).words)
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
    # What is called a body is completed by the file that includes it.
    for header in sorted(set(RUNTIME.glob("*.h")) - set(RUNTIME.glob("*_body.h"))):
        source = tmp_path / f"{header.stem}.c"
        source.write_text(f'#include "{header.name}"\n#include "{header.name}"\nint unused;\n')
        command = ["gcc", *WARNINGS, f"-I{RUNTIME}", "-c", str(source), "-o", str(tmp_path / "x.o")]
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0, (
            header.name
        )
