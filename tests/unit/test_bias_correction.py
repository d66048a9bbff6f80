"""Bias correction: errors that are known beforehand must disappear."""

from dataclasses import replace

import numpy as np
import pytest

from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.float_reference import run_float_output
from ppg_deploy.graph.operators import Activation, Conv2D, DepthwiseConv2D, FullyConnected, Padding, Reshape
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.quantization import calibrate, dequantize_codes, quantize_graph, quantize_windows
from ppg_deploy.quantization.bias_correction import correct_biases


def constant(name: str, values: object) -> Tensor:
    data = np.asarray(values, np.float32)
    return Tensor(name, data.shape, DType.FLOAT32, data=data)


def bias_codes(graph: Graph, name: str) -> list[int]:
    return np.asarray(graph.tensors[name].data).tolist()


def test_rounded_away_weight_comes_back_as_bias() -> None:
    """Weights (127, 0.4) have scale 1, so 0.4 becomes 0; at an input of 1 that is an error of -0.4."""
    tensors = [
        Tensor("x", (1, 2), DType.FLOAT32),
        constant("w", [[127.0, 0.4]]),
        constant("b", [3.0]),
        Tensor("y", (1, 1), DType.FLOAT32),
    ]
    operators = (FullyConnected(inputs=("x", "w", "b"), outputs=("y",)),)
    graph = Graph("dense", {tensor.name: tensor for tensor in tensors}, operators, ("x",), ("y",))
    x = np.ones((20, 2), np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x))
    # The input scale is 1 / 255: 3.0 is 765 codes, 0.4 is 102.
    assert bias_codes(quantized, "b") == [765]
    assert bias_codes(correct_biases(graph, quantized, x), "b") == [867]


def small_network() -> Graph:
    rng = np.random.default_rng(7)
    tensors = [
        Tensor("x", (1, 1, 12, 2), DType.FLOAT32),
        constant("w0", rng.standard_normal((4, 1, 3, 2))),
        constant("b0", rng.standard_normal(4)),
        Tensor("c", (1, 1, 12, 4), DType.FLOAT32),
        constant("w1", rng.standard_normal((1, 1, 3, 4))),
        constant("b1", rng.standard_normal(4)),
        Tensor("d", (1, 1, 12, 4), DType.FLOAT32),
        Tensor("r", (1, 48), DType.FLOAT32),
        constant("w2", rng.standard_normal((3, 48))),
        constant("b2", rng.standard_normal(3)),
        Tensor("y", (1, 3), DType.FLOAT32),
    ]
    operators = (
        Conv2D(inputs=("x", "w0", "b0"), outputs=("c",), padding=Padding.SAME, activation=Activation.RELU),
        DepthwiseConv2D(
            inputs=("c", "w1", "b1"), outputs=("d",), padding=Padding.SAME, activation=Activation.RELU
        ),
        Reshape(inputs=("d",), outputs=("r",)),
        FullyConnected(inputs=("r", "w2", "b2"), outputs=("y",)),
    )
    return Graph("net", {tensor.name: tensor for tensor in tensors}, operators, ("x",), ("y",))


def test_known_shift_of_every_bias_is_undone() -> None:
    graph = small_network()
    x = np.random.default_rng(1).standard_normal((40, 1, 12, 2)).astype(np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x))
    shifted = dict(quantized.tensors)
    for name in ("b0", "b1", "b2"):
        values = np.asarray(shifted[name].data)
        shifted[name] = replace(
            shifted[name], data=values + np.arange(100, 100 + len(values), dtype=np.int32)
        )
    from_right = correct_biases(graph, quantized, x)
    from_wrong = correct_biases(graph, replace(quantized, tensors=shifted), x)
    for name in ("b0", "b1", "b2"):
        assert bias_codes(from_wrong, name) == pytest.approx(bias_codes(from_right, name), abs=1)


def test_mean_error_of_the_output_shrinks() -> None:
    graph = small_network()
    rng = np.random.default_rng(1)
    # Weights of very unequal size lose their small members, which is what gives channels a mean error.
    weights = np.asarray(graph.tensors["w2"].data).copy()
    weights[:, 0] = 200.0
    graph = replace(graph, tensors={**graph.tensors, "w2": constant("w2", weights)})
    x = (rng.standard_normal((128, 1, 12, 2)) + 0.5).astype(np.float32)
    exact = run_float_output(graph, x)

    def mean_error(candidate: Graph) -> float:
        codes = run_quantized_output(candidate, quantize_windows(x, candidate.input))
        return float(np.abs((dequantize_codes(codes, candidate.output) - exact).mean(axis=0)).max())

    quantized = quantize_graph(graph, calibrate(graph, x))
    corrected = correct_biases(graph, quantized, x)
    assert mean_error(quantized) > quantized.output.scale
    assert mean_error(corrected) < 0.5 * quantized.output.scale


def test_what_the_relu_cuts_off_does_not_count() -> None:
    """Two channels read inputs 10, 1 and -10, 1 with the weights of the first test; the ReLU stops the second."""
    tensors = [
        Tensor("x", (1, 2), DType.FLOAT32),
        constant("w", [[12.7, 0.04], [-12.7, 0.04]]),
        constant("b", [3.0, 3.0]),
        Tensor("y", (1, 2), DType.FLOAT32),
    ]
    operators = (FullyConnected(inputs=("x", "w", "b"), outputs=("y",), activation=Activation.RELU),)
    graph = Graph("dense", {tensor.name: tensor for tensor in tensors}, operators, ("x",), ("y",))
    x = np.full((20, 2), (10.0, 1.0), np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x))
    before, after = bias_codes(quantized, "b"), bias_codes(correct_biases(graph, quantized, x), "b")
    # The input scale is 10 / 255, the weights' 0.1; 1.0 becomes 26 or 25.5 steps, the lost product is 0.04.
    assert after[0] - before[0] == pytest.approx(0.04 / (0.1 * 10 / 255), abs=1)
    assert after[1] == before[1]


def test_bias_shared_by_the_steps_of_a_loop_is_left_alone() -> None:
    """Two steps with one bias: correcting it for each in turn would add up."""
    tensors = [
        Tensor("x", (1, 2), DType.FLOAT32),
        constant("w", [[127.0, 0.4], [0.4, 127.0]]),
        constant("b", [3.0, 3.0]),
        Tensor("h", (1, 2), DType.FLOAT32),
        Tensor("y", (1, 2), DType.FLOAT32),
    ]
    operators = (
        FullyConnected(inputs=("x", "w", "b"), outputs=("h",)),
        FullyConnected(inputs=("h", "w", "b"), outputs=("y",)),
    )
    graph = Graph(
        "loop", {tensor.name: tensor for tensor in tensors}, operators, ("x",), ("y",), tied=(("x", "h"),)
    )
    x = np.ones((20, 2), np.float32)
    quantized = quantize_graph(graph, calibrate(graph, x))
    assert bias_codes(correct_biases(graph, quantized, x), "b") == bias_codes(quantized, "b")
