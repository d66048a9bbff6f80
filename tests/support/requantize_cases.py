"""Requantisation: TensorFlow Lite's definition in exact integers, the C forms, and layers to requantise."""

import atexit
import ctypes
import functools
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.steps import DenseStep
from ppg_deploy.graph.arithmetic import quantize_multiplier
from tests.support.compile_host import RUNTIME, WARNINGS

GENERAL, PROVEN, SCALED = range(3)

_SOURCE = """
#include "ppg_requant.h"
void many(int form, const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c);
void many(int form, const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c) {
  ppg_factor_t factor = {a, b, c};
  for (int32_t i = 0; i < count; i++) {
    if (form == 0) out[i] = ppg_requantize(in[i], a, b, c);
    if (form == 1) out[i] = ppg_requantize_proven(in[i], &factor);
    if (form == 2) out[i] = ppg_saturate8(ppg_requantize_scaled(in[i], &factor));
  }
}
"""


def two_roundings(value: int, multiplier: int, shift: int) -> int:
    """TensorFlow Lite's definition in exact integers, independent of numpy and of all C forms.

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


@functools.cache
def _library() -> ctypes.CDLL:
    folder = tempfile.TemporaryDirectory(prefix="ppg-requantize-")
    atexit.register(folder.cleanup)
    source, target = Path(folder.name) / "many.c", Path(folder.name) / "many.so"
    source.write_text(_SOURCE)
    command = ["gcc", *WARNINGS, "-O2", "-shared", "-fPIC", f"-I{RUNTIME}", str(source), "-o", str(target)]
    subprocess.run(command, check=True, timeout=60)
    return ctypes.CDLL(str(target))


def in_c(form: int, values: NDArray[np.int64], words: tuple[int, int, int]) -> NDArray[np.int32]:
    """What ppg_requant.h makes of accumulators, with the words of a ppg_factor_t."""
    source = values.astype(np.int32)
    assert (source == values).all()
    target = np.empty_like(source)
    _library().many(
        form,
        source.ctypes.data_as(ctypes.c_void_p),
        target.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int32(source.size),
        *(ctypes.c_int32(word) for word in words),
    )
    return target


def dense_layer(seed: int, low: int, zero: int, codes: tuple[float, float], largest_bias: int) -> DenseStep:
    """Eight outputs of which no sum of products alone lies further from 0 than some number within `codes`."""
    random = np.random.default_rng(seed)
    channels, values = 8, int(random.integers(2, 60))
    weights = np.clip(random.laplace(0, 30, (channels, 1, 1, values)), -127, 127).astype(np.int8)
    reach = np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3)) * 128
    reals = np.exp2(random.uniform(*np.log2(codes), channels)) / np.maximum(reach, 1)
    return DenseStep(
        operators=(0,),
        kind="FULLY_CONNECTED",
        name="y",
        inputs=("x",),
        output="y",
        output_bytes=channels,
        low=low,
        weights=weights,
        bias=random.integers(-largest_bias, largest_bias, channels),
        multipliers=tuple(quantize_multiplier(float(real)) for real in reals),
        input_zero=int(random.integers(-128, 128)),
        output_zero=zero,
    )
