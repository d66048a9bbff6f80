"""What-if answers and fidelity figures against numpy, and the plot's file formats."""

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import FullyConnected, Reshape
from ppg_deploy.quantization import calibrate, quantize_graph, quantize_windows
from ppg_deploy.quantization.fidelity import OperatorFidelity, activation_fidelity
from ppg_deploy.quantization.operator_report import worst_operators
from ppg_deploy.quantization.what_if import INPUT, outputs_with_float
from tests.support.small_students import SCALAR, write_card, write_regressor, write_windows

RNG = np.random.default_rng(4)
FIRST, FIRST_BIAS = RNG.standard_normal((6, 5)), RNG.standard_normal(6)
SECOND, SECOND_BIAS = RNG.standard_normal((2, 6)), RNG.standard_normal(2)
X = RNG.standard_normal((70, 5)).astype(np.float32)


def two_dense_layers() -> Graph:
    """Dense, reshape, dense."""
    tensors = [
        Tensor("x", (1, 5), DType.FLOAT32),
        Tensor("w", (6, 5), DType.FLOAT32, data=FIRST.astype(np.float32)),
        Tensor("b", (6,), DType.FLOAT32, data=FIRST_BIAS.astype(np.float32)),
        Tensor("h", (1, 6), DType.FLOAT32),
        Tensor("r", (1, 1, 6), DType.FLOAT32),
        Tensor("v", (2, 6), DType.FLOAT32, data=SECOND.astype(np.float32)),
        Tensor("d", (2,), DType.FLOAT32, data=SECOND_BIAS.astype(np.float32)),
        Tensor("y", (1, 2), DType.FLOAT32),
    ]
    operators = (
        FullyConnected(inputs=("x", "w", "b"), outputs=("h",)),
        Reshape(inputs=("h",), outputs=("r",)),
        FullyConnected(inputs=("r", "v", "d"), outputs=("y",)),
    )
    return Graph("dense", {tensor.name: tensor for tensor in tensors}, operators, ("x",), ("y",))


def on_grid(values: np.ndarray, tensor: Tensor) -> np.ndarray:  # type: ignore[type-arg]
    codes = np.clip(np.rint(values / tensor.scale) + tensor.zero_point, -128, 127)
    return np.asarray((codes - tensor.zero_point) * tensor.scale)


def constants_on_grid(graph: Graph, weights: str, bias: str) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    found = []
    for name in (weights, bias):
        tensor = graph.tensors[name]
        assert tensor.data is not None and tensor.quantization is not None
        scale = np.array(tensor.quantization.scale)
        found.append(np.asarray(tensor.data) * (scale[:, None] if np.ndim(tensor.data) == 2 else scale))
    return found[0], found[1]


def test_what_if_by_numpy() -> None:
    graph = two_dense_layers()
    quantized = quantize_graph(graph, calibrate(graph, X))
    outputs = outputs_with_float(graph, quantized, X, [INPUT, 0, 2])
    tensors = quantized.tensors
    first, first_bias = constants_on_grid(quantized, "w", "b")
    second, second_bias = constants_on_grid(quantized, "v", "d")
    step = tensors["y"].scale
    x = on_grid(X, tensors["x"])
    # The first layer in float reaches the second through the reshape without touching int8.
    hidden = x @ FIRST.T + FIRST_BIAS
    expected = on_grid(hidden @ second.T + second_bias, tensors["y"])
    assert np.abs(outputs[0] - expected).max() <= 1.001 * step
    assert (np.abs(outputs[0] - expected) < 1e-6).mean() > 0.97
    # The last layer in float: its output leaves the model unrounded.
    hidden = on_grid(x @ first.T + first_bias, tensors["h"])
    expected = hidden @ SECOND.T + SECOND_BIAS
    assert (np.abs(outputs[2] - expected) < 1e-4).mean() > 0.9
    # The input in float, the rest int8.
    hidden = on_grid(X @ first.T + first_bias, tensors["h"])
    expected = on_grid(hidden @ second.T + second_bias, tensors["y"])
    assert (np.abs(outputs[INPUT] - expected) < 1e-6).mean() > 0.97
    # Nothing in float: the int8 graph itself, to one step of its output.
    hidden = on_grid(x @ first.T + first_bias, tensors["h"])
    expected = on_grid(hidden @ second.T + second_bias, tensors["y"])
    assert np.abs(outputs[None] - expected).max() <= 2.001 * step
    assert not np.array_equal(outputs[None], outputs[0])


def test_fidelity_by_numpy() -> None:
    graph = two_dense_layers()
    quantized = quantize_graph(graph, calibrate(graph, X))
    # Twice the calibrated amplitude: values must clip, and the report must say so.
    source, operators = activation_fidelity(graph, quantized, 2.0 * X)
    tensor = quantized.input
    codes = quantize_windows(2.0 * X, tensor)
    noise = np.square(on_grid(2.0 * X, tensor) - 2.0 * X).sum()
    assert source.sqnr_db == pytest.approx(10 * np.log10(np.square(2.0 * X).sum() / noise), abs=0.01)
    assert source.clipped == pytest.approx(((codes == 127) | (codes == -128)).mean())
    assert source.clipped > 0.01
    assert source.range_used == pytest.approx((2.0 * X.min(), 2.0 * X.max()))
    assert source.range_calibrated == pytest.approx((X.min(), X.max()), abs=tensor.scale)
    by_output = {facts.output: facts for facts in operators}
    # A reshape only moves values.
    assert by_output["r"].own_sqnr_db is None
    assert by_output["r"].sqnr_db == by_output["h"].sqnr_db
    hidden = on_grid(2.0 * X, tensor) @ FIRST.T + FIRST_BIAS
    own_noise = np.square(on_grid(hidden, quantized.tensors["h"]) - hidden).sum()
    assert by_output["h"].own_sqnr_db == pytest.approx(
        10 * np.log10(np.square(hidden).sum() / own_noise), abs=0.3
    )


def test_worst_operators_are_those_with_the_most_noise_of_their_own() -> None:
    own = [30.0, None, 12.0, 25.0, 40.0, 8.0, 33.0, 50.0]
    operators = tuple(
        OperatorFidelity(10.0, 0.0, (0.0, 1.0), (0.0, 1.0), index, "ADD", f"t{index}", value, 0)
        for index, value in enumerate(own)
    )
    assert worst_operators(operators) == [5, 2, 3, 0, 6]


def test_report_of_a_student(tmp_path: Path) -> None:
    write_card(tmp_path, SCALAR)
    write_windows(tmp_path)
    report = api.quantize(write_regressor(tmp_path), out=tmp_path / "out")
    explained = [facts for facts in report.operators if facts.what_if_float is not None]
    assert 1 <= len(explained) <= 5
    assert report.report_windows == 120
    assert report.input_activation.what_if_float is not None
    assert report.input_activation.what_if_float.mae is not None


def test_plot_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from PIL import Image

    write_card(tmp_path, SCALAR)
    write_windows(tmp_path)
    model = write_regressor(tmp_path)
    report = api.quantize(model, out=tmp_path / "out", plot=True)
    with Image.open(io.BytesIO((tmp_path / "out" / "quantize.png").read_bytes())) as image:
        image.load()
        assert image.format == "PNG"
        assert image.width > 1000
        assert image.height > 250
        # A figure, not an empty page.
        assert len(image.convert("RGB").getcolors(1 << 24)) > 20
    svg = (tmp_path / "out" / "quantize.svg").read_bytes()
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"input", "SQNR, dB", "clipped codes, %", "what if it stayed float"} <= texts
    assert {f"{facts.index} {facts.kind}" for facts in report.operators} <= texts
    api.quantize(model, out=tmp_path / "out", plot=True)
    assert (tmp_path / "out" / "quantize.svg").read_bytes() == svg
