"""The flatbuffer: read back, loaded by LiteRT and TFLM, and refused with a reason when it is not ours to run."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from ppg_deploy.convert import convert_onnx
from ppg_deploy.errors import InputError, UnsupportedModelError
from ppg_deploy.graph import Graph
from ppg_deploy.graph.float_reference import run_float_output
from ppg_deploy.quantization import calibrate, quantize_graph
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.onnx_networks import pulse_student, residual_network


@pytest.fixture(scope="module")
def float_graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return convert_onnx(residual_network(tmp_path_factory.mktemp("net") / "net.onnx", 6)).graph


@pytest.fixture(scope="module")
def int8_graph(float_graph: Graph) -> Graph:
    x = np.random.default_rng(1).standard_normal((20, *float_graph.input.shape[1:])).astype(np.float32)
    return quantize_graph(float_graph, calibrate(float_graph, x))


def assert_same_graph(first: Graph, second: Graph) -> None:
    assert first.operators == second.operators
    assert first.inputs == second.inputs
    assert first.outputs == second.outputs
    assert set(first.tensors) == set(second.tensors)
    for name, tensor in first.tensors.items():
        other = second.tensors[name]
        assert (tensor.shape, tensor.dtype, tensor.quantization) == (
            other.shape,
            other.dtype,
            other.quantization,
        )
        assert (tensor.data is None) == (other.data is None)
        if tensor.data is not None:
            assert np.array_equal(tensor.data, other.data)


def test_reading_back_gives_the_same_graph(int8_graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_tflite(int8_graph))
    assert_same_graph(int8_graph, read_tflite(path))


def test_same_graph_same_bytes(int8_graph: Graph) -> None:
    assert write_tflite(int8_graph) == write_tflite(int8_graph)


def test_litert_runs_the_float_graph_alike(float_graph: Graph) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=write_tflite(float_graph))
    interpreter.allocate_tensors()
    x = np.random.default_rng(2).standard_normal((4, *float_graph.input.shape[1:])).astype(np.float32)
    expected = []
    for row in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row[None])
        interpreter.invoke()
        expected.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].copy())
    np.testing.assert_allclose(run_float_output(float_graph, x), expected, rtol=1e-4, atol=1e-3)


def test_constants_are_aligned_to_16_bytes(int8_graph: Graph) -> None:
    content = write_tflite(int8_graph)
    model = schema.Model.GetRootAsModel(content, 0)
    for index in range(1, model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        address = (
            data.__array_interface__["data"][0]
            - np.frombuffer(content, np.uint8).__array_interface__["data"][0]
        )
        assert address % 16 == 0


def test_every_operator_is_int8(int8_graph: Graph) -> None:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(write_tflite(int8_graph), 0))
    types = {tensor.type for tensor in model.subgraphs[0].tensors}
    assert types == {schema.TensorType.INT8, schema.TensorType.INT32}


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x00\x00\x00\x00TFL3" + b"\xff" * 64])
def test_garbage_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.tflite"):
        read_tflite(path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_refused(tmp_path: Path, int8_graph: Graph, kept: float) -> None:
    whole = write_tflite(int8_graph)
    path = tmp_path / "m.tflite"
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InputError, match=r"m\.tflite"):
        read_tflite(path)


def test_unknown_operator_is_named(tmp_path: Path, int8_graph: Graph) -> None:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(write_tflite(int8_graph), 0))
    for code in model.operatorCodes:
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.COS
    import flatbuffers

    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "m.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(UnsupportedModelError, match="COS"):
        read_tflite(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_tflite(tmp_path / "m.tflite")


def test_size_of_the_pulse_student(tmp_path: Path) -> None:
    graph = convert_onnx(pulse_student(tmp_path / "p.onnx")).graph
    x = np.random.default_rng(1).standard_normal((8, *graph.input.shape[1:])).astype(np.float32)
    # 40,664 B in the converter that the project's reference notes measured.
    assert len(write_tflite(quantize_graph(graph, calibrate(graph, x)))) < 42_000
