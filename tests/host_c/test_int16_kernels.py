"""Kernels of int16 activations: portable C against TFLM's interpreter, code by code, and the narrow form's proof."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import AveragePool2D, MaxPool2D, Padding
from tests.support.against_tflm import compare_on_host
from tests.support.compile_host import RUNTIME, WARNINGS
from tests.support.int16_graphs import INT16_FAMILIES, Int16Maker, random_int16_windows

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

COUNTS = {
    "convolution": 40,
    "depthwise": 16,
    "dense": 16,
    "pool": 14,
    "elementwise": 20,
    "padding": 4,
    "network": 24,
}


def _compare(graphs: list[Graph], count: int = 10) -> list[str]:
    """model_data.c of each graph, after comparing all answers."""
    cases = [(graph, random_int16_windows(graph, count, number)) for number, graph in enumerate(graphs)]
    return [compiled.files["model_data.c"] for compiled, _ in compare_on_host(cases)]


@pytest.mark.parametrize("family", sorted(INT16_FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    texts = _compare([INT16_FAMILIES[family](seed) for seed in range(2000, 2000 + COUNTS[family])])
    if family in ("convolution", "depthwise", "dense"):
        wide = sum("_biases" in text or ".narrow = 0" in text for text in texts)
        assert 0 < wide < len(texts) / 2


def test_long_dense_layers_take_the_wide_form_without_large_biases() -> None:
    maker = Int16Maker(3, (1, 1601))
    (text,) = _compare([maker.graph(maker.dense(maker.input, 5))])
    assert "_biases" in text


def test_dense_layer_over_several_positions() -> None:
    for positions in (2, 7):
        maker = Int16Maker(positions, (1, positions, 13))
        _compare([maker.graph(maker.dense(maker.input, 3, positions=positions))])


def test_pools_of_many_values() -> None:
    graphs = []
    for kind in (AveragePool2D, MaxPool2D):
        maker = Int16Maker(5, (1, 40, 130, 3))
        window = {"kernel": (40, 130), "stride": (1, 1), "padding": Padding.VALID, "out": (1, 1)}
        graphs.append(maker.graph(maker.pool(maker.input, kind, window)))
    _compare(graphs, count=5)


_SOURCE = """
#include "ppg_requant16.h"
void many(const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c, int wide);
void many(const int32_t *in, int32_t *out, int32_t count, int32_t a, int32_t b, int32_t c, int wide) {
  ppg_factor16_t factor = {a, b, c};
  for (int32_t i = 0; i < count; i++) {
    out[i] = wide ? ppg_requantize_wide(in[i], &factor) : ppg_requantize_narrow(in[i], &factor);
  }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("requantize16")
    (folder / "many.c").write_text(_SOURCE)
    target = folder / "many.so"
    command = ["gcc", *WARNINGS, "-O2", "-shared", "-fPIC", f"-I{RUNTIME}", str(folder / "many.c")]
    subprocess.run([*command, "-o", str(target)], check=True, timeout=60)
    return ctypes.CDLL(str(target))


@pytest.mark.parametrize("shift", range(-31, -1))
def test_both_forms_equal_the_definition(library: ctypes.CDLL, shift: int) -> None:
    """Around every tie near zero, at random and at the ends of 32 bits; expected values in Python's integers."""
    rng = np.random.default_rng(-shift)
    right = 15 - shift
    for multiplier in (1 << 14, (1 << 15) - 1, 0, int(rng.integers(1 << 14, 1 << 15))):
        step = 2.0**right / (multiplier or 1)
        ties = [np.floor((index + 0.5) * step + by) for index in range(-60, 61) for by in range(-2, 4)]
        ends = [-(1 << 31), (1 << 31) - 1]
        random = rng.integers(*ends, 2000)
        values = np.unique(np.clip(np.concatenate([ties, random, ends]), *ends)).astype(np.int32)
        expected = [(int(value) * multiplier + (1 << (right - 1))) >> right for value in values]
        for words, wide in (
            ((multiplier << 16, 1 << (right - 17), right - 16), 0),
            ((multiplier, 0, right), 1),
        ):
            answered = np.empty_like(values)
            library.many(
                values.ctypes.data_as(ctypes.c_void_p),
                answered.ctypes.data_as(ctypes.c_void_p),
                *(ctypes.c_int32(word) for word in (values.size, *words)),
                wide,
            )
            np.testing.assert_array_equal(answered, expected)


def test_runtime_of_int16_has_no_floats() -> None:
    for source in Path(RUNTIME).glob("*16.*"):
        text = source.read_text()
        assert "float" not in text
        assert "double" not in text
