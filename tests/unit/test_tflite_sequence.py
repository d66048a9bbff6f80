"""Slices, splits, concatenations and LSTMs in strangers' files: read, computed as TFLM computes them, or refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from ppg_deploy.compile.checks import check_compilable
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Graph
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite import read_tflite, write_tflite
from tests.support.compile_networks import windows_for
from tests.support.foreign_tflite import TfliteFile
from tests.support.sequence_cases import SequenceBuilder

OP, OPTIONS = schema.BuiltinOperator, schema.BuiltinOptions
Made = tuple[TfliteFile, int, int]


def _slice() -> Made:
    file = TfliteFile()
    source, output = file.tensor((1, 4, 9, 3)), file.tensor((1, 2, 5, 3))
    bounds = [file.numbers([0, 1, 4, 0]), file.numbers([1, 2, -1, 3])]
    file.operator(OP.SLICE, [source, *bounds], [output], OPTIONS.SliceOptions, schema.SliceOptionsT())
    return file, source, output


def _strided(
    begin: list[int], end: list[int], strides: list[int], shape: tuple[int, ...], **masks: int
) -> Made:
    file = TfliteFile()
    source, output = file.tensor((1, 4, 9, 3)), file.tensor(shape)
    bounds = [file.numbers(numbers) for numbers in (begin, end, strides)]
    options = schema.StridedSliceOptionsT()
    for name, value in masks.items():
        setattr(options, name, value)
    file.operator(OP.STRIDED_SLICE, [source, *bounds], [output], OPTIONS.StridedSliceOptions, options)
    return file, source, output


def _negative_bounds() -> Made:
    return _strided([0, 0, -7, 0], [1, 4, -1, 3], [1, 1, 2, 1], (1, 4, 3, 3))


def _masks() -> Made:
    return _strided([5, 1, 3, 1], [0, 2, 8, 0], [1, 1, 1, 1], (1, 1, 5, 2), beginMask=1, endMask=9)


def _shrunk() -> Made:
    return _strided([0, 2, 0, 0], [1, 3, 9, 3], [1, 1, 1, 1], (1, 9, 3), shrinkAxisMask=2)


def _split() -> Made:
    file = TfliteFile()
    source = file.tensor((1, 1, 6, 4))
    parts = [file.tensor((1, 1, 6, 2)) for _ in range(2)]
    options = schema.SplitOptionsT()
    options.numSplits = 2
    file.operator(OP.SPLIT, [file.numbers([3]), source], parts, OPTIONS.SplitOptions, options)
    return file, source, _joined(file, [parts[1], parts[0], parts[1]], (1, 1, 6, 6), -1)


def _split_v() -> Made:
    file = TfliteFile()
    source = file.tensor((1, 1, 9, 2))
    parts = [file.tensor((1, 1, size, 2)) for size in (2, 4, 3)]
    options = schema.SplitVOptionsT()
    options.numSplits = 3
    inputs = [source, file.numbers([2, 4, -1]), file.numbers([2])]
    file.operator(OP.SPLIT_V, inputs, parts, OPTIONS.SplitVOptions, options)
    return file, source, _joined(file, [parts[2], parts[0], parts[1]], (1, 1, 9, 2), 2)


def _joined(file: TfliteFile, parts: list[int], shape: tuple[int, ...], axis: int) -> int:
    output = file.tensor(shape)
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    file.operator(OP.CONCATENATION, parts, [output], OPTIONS.ConcatenationOptions, options)
    return output


def _read(made: Made, path: Path) -> Graph:
    file, source, output = made
    path.write_bytes(file.content(source, output))
    return read_tflite(path)


@pytest.mark.parametrize("make", [_slice, _negative_bounds, _masks, _shrunk, _split, _split_v])
def test_equal_to_tflm(make: Callable[[], Made], tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")
    from ppg_deploy.golden.tflm import TflmInterpreter

    path = tmp_path / "m.tflite"
    graph = _read(make(), path)
    check_compilable(graph)
    windows = windows_for(graph, 1, 12)
    expected = TflmInterpreter(path.read_bytes()).run(windows)
    np.testing.assert_array_equal(run_quantized_output(graph, windows), expected)
    # Our own spelling of the same graph means the same.
    np.testing.assert_array_equal(TflmInterpreter(write_tflite(graph)).run(windows), expected)


def test_negative_strides_are_refused(tmp_path: Path) -> None:
    made = _strided([0, 0, 8, 0], [1, 4, 0, 3], [1, 1, -1, 1], (1, 4, 8, 3))
    with pytest.raises(UnsupportedModelError, match="STRIDED_SLICE of t0 has the strides"):
        _read(made, tmp_path / "m.tflite")


def test_computed_bounds_are_refused(tmp_path: Path) -> None:
    file, source, output = _slice()
    file.tensors[2].buffer = 0
    with pytest.raises(UnsupportedModelError, match="computed begin"):
        _read((file, source, output), tmp_path / "m.tflite")


def test_concatenation_of_unequal_scales_is_refused(tmp_path: Path) -> None:
    file, source, output = _split()
    file.tensors[output].quantization.scale[0] = 0.2
    graph = _read((file, source, output), tmp_path / "m.tflite")
    with pytest.raises(UnsupportedModelError, match=r"CONCATENATION.*other quantisation parameters"):
        check_compilable(graph)


def _lstm_graph() -> Graph:
    net = SequenceBuilder(3, (1, 5, 4))
    return net.graph(net.lstm(net.input, 6))


def test_lstm_read_back_is_the_same(tmp_path: Path) -> None:
    graph = _lstm_graph()
    path = tmp_path / "m.tflite"
    path.write_bytes(write_tflite(graph))
    again = read_tflite(path)
    assert again.operators == graph.operators
    assert set(again.tensors) == set(graph.tensors)
    for name, tensor in graph.tensors.items():
        assert (tensor.shape, tensor.dtype) == (again.tensors[name].shape, again.tensors[name].dtype)
        assert tensor.quantization == again.tensors[name].quantization


def _changed(path: Path, change: Callable[[Any], None]) -> Path:
    import flatbuffers

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(write_tflite(_lstm_graph()), 0))
    change(model.subgraphs[0])
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _rewire(subgraph: Any, index: int, tensor: int) -> None:
    inputs = np.array(subgraph.operators[0].inputs)
    inputs[index] = tensor
    subgraph.operators[0].inputs = inputs


def _time_major(subgraph: Any) -> None:
    subgraph.operators[0].builtinOptions.timeMajor = True


def _peephole(subgraph: Any) -> None:
    _rewire(subgraph, 9, int(subgraph.operators[0].inputs[12]))


def _clip(subgraph: Any) -> None:
    subgraph.operators[0].builtinOptions.cellClip = 1.0


def _coupled(subgraph: Any) -> None:
    _rewire(subgraph, 1, -1)


@pytest.mark.parametrize(
    ("change", "message"),
    [(_time_major, "batch-major"), (_peephole, "peepholes"), (_clip, "clips"), (_coupled, "lacks weights")],
)
def test_other_lstms_are_refused(change: Callable[[Any], None], message: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=f"UNIDIRECTIONAL_SEQUENCE_LSTM.*{message}"):
        read_tflite(_changed(tmp_path / "m.tflite", change))


def test_cell_scale_that_is_no_power_of_two_is_refused(tmp_path: Path) -> None:
    def change(subgraph: Any) -> None:
        cell = subgraph.tensors[subgraph.operators[0].inputs[19]]
        cell.quantization.scale = np.array([0.0003], np.float32)

    graph = read_tflite(_changed(tmp_path / "m.tflite", change))
    with pytest.raises(UnsupportedModelError, match=r"has the scale 0\.0003"):
        check_compilable(graph)
