"""The int16x8 numpy reference against TFLM's own interpreter, and LiteRT's view of the files."""

import dataclasses

import numpy as np
import pytest

from ppg_deploy.graph import DType, Graph
from ppg_deploy.graph.int16_ops.requantize import multiply_wide, reduced_multiplier
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite import write_tflite
from tests.support.int16_graphs import HIGHEST, INT16_FAMILIES, random_int16_windows

tflite_micro = pytest.importorskip("tflite_micro", reason="the [golden] extra is not installed")


def _expected(graph: Graph, windows: np.ndarray) -> np.ndarray:
    from ppg_deploy.golden.tflm import TflmInterpreter

    return TflmInterpreter(write_tflite(graph)).run(windows)


@pytest.mark.parametrize("family", sorted(INT16_FAMILIES))
def test_equal_to_tflm(family: str) -> None:
    inside = 0
    for seed in range(50):
        graph = INT16_FAMILIES[family](seed)
        windows = random_int16_windows(graph, 12, seed)
        expected = _expected(graph, windows)
        answered = run_quantized_output(graph, windows)
        assert answered.dtype == expected.dtype == np.int16
        assert np.array_equal(answered, expected), f"seed {seed}: {graph.operators}"
        inside += np.mean((expected != 0) & (np.abs(expected.astype(int)) < HIGHEST)) > 0.2
    # Saturated outputs would hide errors.
    assert inside > 15


@pytest.mark.parametrize("family", ["convolution", "depthwise", "dense"])
@pytest.mark.parametrize("bias", [None, (1 << 44) + 12345, -(1 << 46)])
def test_absent_and_huge_biases(family: str, bias: int | None) -> None:
    for seed in range(6):
        graph = INT16_FAMILIES[family](seed)
        operator = graph.operators[0]
        if bias is None:
            changed = dataclasses.replace(operator, inputs=operator.inputs[:2])
            graph = dataclasses.replace(graph, operators=(changed,))
        else:
            old = graph.tensors[operator.inputs[2]]
            huge = dataclasses.replace(old, data=np.full(old.shape, bias, np.int64))
            graph = dataclasses.replace(graph, tensors={**graph.tensors, old.name: huge})
        windows = random_int16_windows(graph, 8, seed)
        np.testing.assert_array_equal(run_quantized_output(graph, windows), _expected(graph, windows))


def test_litert_loads_and_agrees_but_for_its_dense_layers() -> None:
    """LiteRT's reference kernels: a second opinion, which rounds dense layers in another way."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    for family in ("convolution", "depthwise", "pool", "padding"):
        for seed in range(8):
            graph = INT16_FAMILIES[family](seed)
            windows = random_int16_windows(graph, 3, seed)
            interpreter = Interpreter(
                model_content=write_tflite(graph), experimental_op_resolver_type=OpResolverType.BUILTIN_REF
            )
            interpreter.allocate_tensors()
            source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
            answers = []
            for window in windows:
                interpreter.set_tensor(source["index"], window[None])
                interpreter.invoke()
                answers.append(interpreter.get_tensor(target["index"]).reshape(-1))
            np.testing.assert_array_equal(np.stack(answers), run_quantized_output(graph, windows))


def test_operator_versions_are_those_of_int16() -> None:
    """Lowest versions with int16 in tensorflow/lite/tools/versioning/op_version.cc."""
    from ai_edge_litert import schema_py_generated as schema

    expected = {"convolution": 4, "depthwise": 5, "pool": 3, "padding": 3}
    for family, version in expected.items():
        model = schema.ModelT.InitFromObj(
            schema.Model.GetRootAsModel(write_tflite(INT16_FAMILIES[family](1)), 0)
        )
        assert [code.version for code in model.operatorCodes] == [version]


# Worked by hand: the multiplier 2**30 stands for one half and becomes 2**14.
@pytest.mark.parametrize(
    ("value", "multiplier", "shift", "expected"),
    [
        (3, 1 << 30, 0, 2),  # 1.5 goes up
        (-3, 1 << 30, 0, -1),  # -1.5 goes up as well
        (5, 1 << 30, -1, 1),  # 1.25: one rounding, where int8's two give 2
        (7, 1 << 30, 2, 14),
        (1 << 40, 1 << 30, -20, 1 << 19),
        (1000, (1 << 31) - 1, 0, 1000),  # 32767 / 32768: 999.97
        (-1, 0, 0, 0),
    ],
)
def test_requantisation_by_hand(value: int, multiplier: int, shift: int, expected: int) -> None:
    assert multiply_wide(np.array([value], np.int64), [(multiplier, shift)]).tolist() == [expected]


def test_reduced_multiplier_by_hand() -> None:
    assert reduced_multiplier(1 << 30) == 1 << 14
    assert reduced_multiplier((1 << 30) + (1 << 15) - 1) == 1 << 14
    assert reduced_multiplier((1 << 30) + (1 << 15)) == (1 << 14) + 1
    # Would round up to 2**15, which 16 bits do not hold.
    assert reduced_multiplier((1 << 31) - 1) == (1 << 15) - 1


def test_numpy_reference_is_the_golden_reference_without_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    from ppg_deploy import golden

    graph = INT16_FAMILIES["convolution"](3)
    windows = random_int16_windows(graph, 4, 3)
    expected = golden.open_golden(graph, write_tflite(graph)).run(windows)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    reference = golden.open_golden(graph, write_tflite(graph))
    assert "numpy" in reference.description
    np.testing.assert_array_equal(reference.run(windows), expected)
    assert graph.input.dtype is DType.INT16
