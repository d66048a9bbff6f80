"""The audit finds in made-to-be-wrong files what is wrong with them, and nothing in sound ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.audit import AuditReport, Severity, audit_file, audit_model, require_sound
from ppg_deploy.errors import AuditError, InputError
from tests.support.tflite_files import OPS, TYPES, FileMaker, pack, small_network, unpack


def audit(content: bytes) -> AuditReport:
    return audit_model(content, name="m.tflite")


def codes(report: AuditReport, severity: Severity = Severity.ERROR) -> set[str]:
    return {finding.code for finding in report.of(severity)}


def sound() -> bytes:
    maker, source, output = small_network()
    return maker.content([source], [output])


def test_a_sound_network_has_no_findings_but_information() -> None:
    report = audit(sound())
    assert report.verdict == "pass", report.findings
    # 8 positions x 6 channels x 3 x 4 weights; 72 weights of 1 B and 6 biases of 4 B.
    assert (report.macs, report.constant_bytes) == (576, 96)
    assert report.aot.accepted
    assert [(port.type, port.shape) for port in (*report.inputs, *report.outputs)] == [
        ("INT8", (1, 1, 8, 4)),
        ("INT8", (1, 1, 8, 6)),
    ]


def float_island() -> bytes:
    """What a converter leaves that has no int8 kernel for ELU."""
    maker, source, output = small_network()
    real = maker.tensor("real", (1, 1, 8, 6), TYPES.FLOAT32, scale=None)
    bent = maker.tensor("bent", (1, 1, 8, 6), TYPES.FLOAT32, scale=None)
    again = maker.tensor("again", (1, 1, 8, 6))
    maker.operator(OPS.DEQUANTIZE, [output], [real], "Dequantize")
    maker.operator(OPS.ELU, [real], [bent])
    maker.operator(OPS.QUANTIZE, [bent], [again], "Quantize")
    return maker.content([source], [again])


def dynamic_batch() -> bytes:
    model = unpack(sound())
    model.subgraphs[0].tensors[0].shapeSignature = np.array([-1, 1, 8, 4], np.int32)
    return pack(model)


def padded_maximum() -> bytes:
    """The pad constant of a maximum pool, -3.4e38, became a scale."""
    maker, source, output = small_network()
    padded = maker.tensor("padded", (1, 1, 10, 6), scale=1.3e36)
    amounts = maker.tensor(
        "amounts", (4, 2), TYPES.INT32, scale=None, data=np.int32([[0, 0]] * 2 + [[1, 1], [0, 0]])
    )
    fill = maker.tensor("fill", (1,), scale=1.3e36, data=np.int8([-128]))
    maker.operator(OPS.PADV2, [output, amounts, fill], [padded], "PadV2")
    return maker.content([source], [padded])


def unknown_operator() -> bytes:
    model = unpack(sound())
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = OPS.POW
    return pack(model)


def made_up_opcode() -> bytes:
    model = unpack(sound())
    model.operatorCodes[0].builtinCode = 5000
    return pack(model)


def float_only_operator() -> bytes:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 4)), maker.tensor("y", (1, 4))
    maker.operator(OPS.EXP, [source], [output], "Exp")
    return maker.content([source], [output])


def custom_operator() -> bytes:
    maker, source, output = small_network()
    grouped = maker.tensor("grouped", (1, 1, 8, 6))
    maker.operator(OPS.CUSTOM, [output], [grouped], custom="FlexConv1D")
    return maker.content([source], [grouped])


def two_subgraphs() -> bytes:
    model = unpack(sound())
    model.subgraphs = model.subgraphs * 2
    return pack(model)


def changed(change: Callable[[Any], None]) -> bytes:
    model = unpack(sound())
    change(model.subgraphs[0])
    return pack(model)


def with_scale(index: int, value: float) -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[index].quantization.scale = np.array([value], np.float32)

    return changed(change)


def activation_zero_point() -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[0].quantization.zeroPoint = np.array([128], np.int64)

    return changed(change)


def int16_zero_point() -> bytes:
    maker = FileMaker()
    source, output = (maker.tensor(name, (1, 4), TYPES.INT16, zero=3) for name in "xy")
    maker.operator(OPS.ADD, [source, source], [output], "Add")
    return maker.content([source], [output])


def weight_zero_point() -> bytes:
    maker, source, output = small_network(zero=4)
    return maker.content([source], [output])


def missing_tensor() -> bytes:
    def change(graph: Any) -> None:
        graph.operators[0].inputs = np.array([0, 77, 3], np.int32)

    return changed(change)


def read_before_written() -> bytes:
    def change(graph: Any) -> None:
        graph.operators[0].inputs = np.array([1, 2, 3], np.int32)

    return changed(change)


def short_constant() -> bytes:
    model = unpack(sound())
    model.buffers[1].data = model.buffers[1].data[:50]
    return pack(model)


def empty_axis() -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[0].shape = np.array([1, 1, 0, 4], np.int32)

    return changed(change)


def enormous_axis() -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[0].shape = np.array([1 << 30, 1 << 30, 1 << 30, 4], np.int32)

    return changed(change)


def scales_along_the_wrong_axis() -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[2].quantization.quantizedDimension = 3

    return changed(change)


def pool_that_rescales() -> bytes:
    maker, source, output = small_network()
    pooled = maker.tensor("pooled", (1, 1, 4, 6), scale=0.2)
    maker.operator(
        OPS.MAX_POOL_2D, [output], [pooled], "Pool2D", strideH=1, strideW=2, filterHeight=1, filterWidth=2
    )
    return maker.content([source], [pooled])


def softmax_scale() -> bytes:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 4)), maker.tensor("y", (1, 4), scale=0.1)
    maker.operator(OPS.SOFTMAX, [source], [output], "Softmax", beta=1.0)
    return maker.content([source], [output])


def without_scale() -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[1].quantization = None

    return changed(change)


def no_operators() -> bytes:
    def change(graph: Any) -> None:
        graph.operators = []

    return changed(change)


def uint8_model() -> bytes:
    def change(graph: Any) -> None:
        graph.tensors[0].type = TYPES.UINT8

    return changed(change)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (float_island, "float-operator", "operator 2 (ELU)"),
        (float_island, "float-tensor", "bent is FLOAT32"),
        (dynamic_batch, "dynamic-shape", "(-1, 1, 8, 4)"),
        (padded_maximum, "scale", "1.3e+36"),
        (lambda: with_scale(0, 0.0), "scale", "scale 0"),
        (lambda: with_scale(0, -0.1), "scale", "scale -0.1"),
        (lambda: with_scale(1, float("nan")), "scale", "scale nan"),
        (lambda: with_scale(1, float("inf")), "scale", "scale inf"),
        (unknown_operator, "operator", "POW"),
        (made_up_opcode, "operator", "opcode 5000"),
        (float_only_operator, "operator", "EXP"),
        (custom_operator, "custom-operator", "FlexConv1D"),
        (two_subgraphs, "subgraphs", "2 subgraphs"),
        (activation_zero_point, "zero-point", "128"),
        (int16_zero_point, "zero-point", "zero point 3"),
        (weight_zero_point, "weight-zero-point", "w1"),
        (missing_tensor, "bad-index", "tensor 77"),
        (read_before_written, "order", "reads y before"),
        (short_constant, "constant-size", "needs 72 bytes, but the file holds 50"),
        (empty_axis, "empty-tensor", "(1, 1, 0, 4)"),
        (enormous_axis, "huge-tensor", "fits no memory"),
        (scales_along_the_wrong_axis, "weight-axis", "along axis 3"),
        (pool_that_rescales, "scale-changed", "MAX_POOL_2D"),
        (softmax_scale, "fixed-scale", "0.00390625"),
        (without_scale, "no-scale", "y is INT8 without a scale"),
        (no_operators, "no-operators", ""),
        (uint8_model, "type", "UINT8"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_errors(content: Callable[[], bytes], code: str, words: str) -> None:
    report = audit(content())
    messages = [finding.message for finding in report.of(Severity.ERROR) if finding.code == code]
    assert any(words in message for message in messages), report.findings
    assert report.verdict == "fail"
    assert all(finding.hint for finding in report.findings)
    with pytest.raises(AuditError, match=r"m\.tflite"):
        require_sound(report)


def per_tensor_weights() -> bytes:
    maker, source, output = small_network(scales=[0.01])
    return maker.content([source], [output])


def dead_tensor() -> bytes:
    maker, source, output = small_network()
    maker.tensor("left over", (3, 3), TYPES.FLOAT32, scale=None, data=np.zeros((3, 3), np.float32))
    return maker.content([source], [output])


def dead_operator() -> bytes:
    maker, source, output = small_network()
    unused = maker.tensor("unused", (1, 1, 8, 6), scale=0.1)
    maker.operator(OPS.RELU, [output], [unused])
    return maker.content([source], [output])


def grouped(channels: int, groups: int) -> bytes:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 1, 8, channels)), maker.tensor("y", (1, 1, 8, channels), scale=0.1)
    maker.convolution(source, output, (channels, 1, 3, channels // groups))
    return maker.content([source], [output])


def bias_of_another_scale() -> bytes:
    maker, source, output = small_network(bias_scale=0.5)
    return maker.content([source], [output])


def two_outputs() -> bytes:
    maker, source, output = small_network()
    return maker.content([source], [output, output])


def batch_of_two() -> bytes:
    maker = FileMaker()
    source, output = maker.tensor("x", (2, 1, 8, 4)), maker.tensor("y", (2, 1, 8, 6), scale=0.1)
    maker.convolution(source, output, (6, 1, 3, 4))
    return maker.content([source], [output])


@pytest.mark.parametrize(
    ("content", "severity", "code"),
    [
        (per_tensor_weights, Severity.WARNING, "per-tensor-weights"),
        (dead_tensor, Severity.WARNING, "dead-tensor"),
        (dead_operator, Severity.WARNING, "dead-operator"),
        (lambda: grouped(6, 6), Severity.WARNING, "depthwise-as-grouped"),
        (lambda: grouped(6, 3), Severity.INFO, "grouped-convolution"),
        (bias_of_another_scale, Severity.WARNING, "bias-scale"),
        (two_outputs, Severity.WARNING, "ports"),
        (batch_of_two, Severity.WARNING, "batch"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_costs_and_oddities_are_no_errors(
    content: Callable[[], bytes], severity: Severity, code: str
) -> None:
    report = audit(content())
    assert code in codes(report, severity), report.findings
    assert not codes(report), report.findings


def test_an_operator_that_only_tflm_has_is_a_warning() -> None:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 1, 8, 4)), maker.tensor("y", (1, 1, 8, 4))
    maker.operator(OPS.ABS, [source], [output], "Abs")
    report = audit(maker.content([source], [output]))
    assert {"aot-operator", "aot-refused"} <= codes(report, Severity.WARNING)
    assert not codes(report)
    assert "ABS" in str(report.aot.reason)


def test_many_findings_of_one_kind_are_summed_up() -> None:
    maker, source, output = small_network()
    for number in range(70):
        maker.tensor(f"left{number}", (1,))
    found = audit(maker.content([source], [output])).of(Severity.WARNING)
    assert len(found) == 21
    assert found[-1].message == "50 more findings of this kind"


@pytest.mark.parametrize("content", [b"", b"\x00" * 4 + b"TFL3" + b"\xff" * 64, b"not a model at all"])
def test_what_is_no_tflite_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.tflite"):
        audit_file(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        audit_file(tmp_path / "m.tflite")


def test_inspect_writes_its_report_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(float_island())
    api.inspect(path)
    assert [item.name for item in tmp_path.iterdir()] == ["m.tflite"]
    api.inspect(path, out=tmp_path / "out")
    written = json.loads((tmp_path / "out" / "inspect.json").read_text())
    assert "float-tensor" in {finding["code"] for finding in written["findings"]}
    assert AuditReport.model_validate(written) == api.inspect(path)


def test_every_board_is_judged_and_the_need_is_that_of_the_compiled_model() -> None:
    from ppg_deploy.boards import list_boards

    report = audit(sound())
    rows = [row for row in report.boards if row.runtime == "aot"]
    assert [row.board for row in rows] == [board.id for board in list_boards()]
    for row, board in zip(rows, list_boards(), strict=True):
        assert row.ram_limit_bytes == board.data_memory.size_bytes
        assert row.fits
        # Arena, 32 B in, 48 B out, 1,200 B + 4 B of static data, the stack.
        assert row.ram_bytes == report.aot.arena_bytes + 32 + 48 + 1204 + board.stack_bytes


def test_a_model_larger_than_every_board() -> None:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 1600)), maker.tensor("y", (1, 1600), scale=0.5)
    data = np.ones((1600, 1600), np.int8)
    weights = maker.tensor("w", (1600, 1600), scale=0.01, data=data)
    maker.operator(OPS.FULLY_CONNECTED, [source, weights, -1], [output], "FullyConnected")
    report = audit(maker.content([source], [output]))
    assert report.macs == 1600 * 1600
    assert "fits-nowhere" in codes(report, Severity.WARNING)
    assert not any(row.fits for row in report.boards)


def test_intermediates_of_an_lstm_are_not_dead() -> None:
    maker, source, output = small_network()
    maker.tensor("inner sum", (0,), TYPES.INT16)
    model = unpack(maker.content([source], [output]))
    model.subgraphs[0].operators[0].intermediates = np.array([4], np.int32)
    assert audit(pack(model)).verdict == "pass"
