"""int8 activation functions: every one of the 256 codes against TFLM, under many scales and zero points."""

import math

import numpy as np
import pytest

from ppg_deploy.golden import open_golden
from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.float_ops.activations import error_function
from ppg_deploy.graph.operators import Elu, Gelu, HardSwish, Logistic, Softmax, Tanh, Unary
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.activation_cases import FUNCTIONS, NETWORKS, Make, every_code, gelu, softmax
from tests.support.int8_graphs import random_windows


def _tflm(graph: Graph, windows: np.ndarray) -> np.ndarray:
    pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")
    from ppg_deploy.golden.tflm import TflmInterpreter

    return TflmInterpreter(write_tflite(graph)).run(windows)


def _one(operator: type[Unary] | type[Softmax], scale: float, zero: int, output: Quantization) -> Graph:
    tensors = {
        "x": Tensor("x", (1, 256), DType.INT8, Quantization((float(np.float32(scale)),), (zero,))),
        "y": Tensor("y", (1, 256), DType.INT8, output),
    }
    return Graph("one", tensors, (operator(inputs=("x",), outputs=("y",)),), ("x",), ("y",))


ALL_CODES = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)
PROBABILITY, SINE = Quantization((1 / 256,), (-128,)), Quantization((1 / 128,), (0,))


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_every_code_equals_tflm(function: str) -> None:
    distinct = 0
    for seed in range(120):
        graph = FUNCTIONS[function](seed)
        # 256 windows let each of the 7 positions see each code.
        windows = every_code(graph, seed)
        expected = _tflm(graph, windows)
        wrong = np.flatnonzero((run_quantized_output(graph, windows) != expected).any(axis=1))
        assert wrong.size == 0, f"seed {seed}: {graph.tensors}"
        distinct += len(np.unique(expected)) > 8
    assert distinct > 40, "constant outputs would hide errors"


def test_softmax_equals_tflm() -> None:
    for seed in range(120):
        graph = softmax(seed)
        windows = random_windows(graph, 12, seed)
        # Rows in which few codes lie far apart, and rows of equal codes.
        windows[3] = np.clip(np.random.default_rng(seed).normal(0, 4, windows[3].shape), -128, 127)
        np.testing.assert_array_equal(run_quantized_output(graph, windows), _tflm(graph, windows), str(seed))


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_networks_equal_tflm(network: str) -> None:
    for seed in range(10):
        graph = NETWORKS[network](seed)
        windows = random_windows(graph, 20, seed)
        np.testing.assert_array_equal(run_quantized_output(graph, windows), _tflm(graph, windows), str(seed))


@pytest.mark.parametrize("scale", [2e-8, 1e-6, 1e-4, 1.0, 7.9, 15.9, 17.0, 1000.0])
@pytest.mark.parametrize(
    ("operator", "output"), [(Logistic, PROBABILITY), (Tanh, SINE), (Softmax, PROBABILITY)]
)
def test_extreme_scales_equal_tflm(
    operator: type[Unary] | type[Softmax], output: Quantization, scale: float
) -> None:
    for zero in (-128, 3, 127):
        graph = _one(operator, scale, zero, output)
        np.testing.assert_array_equal(run_quantized_output(graph, ALL_CODES), _tflm(graph, ALL_CODES))


@pytest.mark.parametrize("ratio", [1 / 500, 1 / 64, 1.0, 100.0, 127.0])
def test_hard_swish_of_extreme_ratios_equals_tflm(ratio: float) -> None:
    for scale in (1e-5, 0.02, 0.5, 9.0):
        graph = _one(HardSwish, scale, -3, Quantization((float(np.float32(scale / ratio)),), (10,)))
        np.testing.assert_array_equal(run_quantized_output(graph, ALL_CODES), _tflm(graph, ALL_CODES))


# Worked by hand from the definition round(f(scale * (code - zero)) / scale) + zero.
@pytest.mark.parametrize(
    ("operator", "code", "expected"),
    [
        # x = 1: gelu = 0.84134, 0.84134 / 0.1 = 8.4
        (Gelu, 10, 8),
        # x = -1: gelu = -0.15866
        (Gelu, -10, -2),
        # x = -0.7: gelu = -0.16938
        (Gelu, -7, -2),
        (Gelu, 127, 127),
        # x = -1: exp(-1) - 1 = -0.632
        (Elu, -10, -6),
        (Elu, 33, 33),
        # x = -1: -1 * 2 / 6 = -0.333; x = 1: 1 * 4 / 6 = 0.667
        (HardSwish, -10, -3),
        (HardSwish, 10, 7),
        (HardSwish, -40, 0),
    ],
)
def test_codes_by_hand(operator: type[Unary], code: int, expected: int) -> None:
    graph = _one(operator, 0.1, 0, Quantization((float(np.float32(0.1)),), (0,)))
    assert run_quantized_output(graph, np.full((1, 256), code, np.int8))[0, 0] == expected


def test_error_function_against_the_c_library() -> None:
    x = np.concatenate([np.linspace(-7, 7, 20001), [0.0, -0.0, 1e-9, 6.0, -6.0, 1e30, -1e30]])
    expected = np.array([math.erf(value) for value in x])
    np.testing.assert_allclose(error_function(x), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("make", [*FUNCTIONS.values(), gelu, softmax], ids=lambda make: make.__name__)
def test_round_trip_through_a_file(make: Make, tmp_path) -> None:
    path = tmp_path / "one.tflite"
    for seed in (0, 1):
        graph = make(seed)
        path.write_bytes(write_tflite(graph))
        again = read_tflite(path)
        windows = every_code(graph)
        assert type(again.operators[0]) is type(graph.operators[0])
        np.testing.assert_array_equal(
            run_quantized_output(again, windows), run_quantized_output(graph, windows)
        )


def test_golden_of_gelu_says_that_tflm_lacks_it() -> None:
    graph = gelu(0)
    golden = open_golden(graph, write_tflite(graph))
    assert "TFLM has no GELU" in golden.description
    windows = every_code(graph)
    np.testing.assert_array_equal(golden.run(windows), run_quantized_output(graph, windows))


def test_tflm_really_lacks_gelu() -> None:
    from ppg_deploy.errors import UnsupportedModelError

    graph = gelu(0)
    with pytest.raises(UnsupportedModelError, match="GELU"):
        _tflm(graph, every_code(graph))
