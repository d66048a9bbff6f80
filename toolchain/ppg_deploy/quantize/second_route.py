"""`quantize --converter onnx2tf`: TensorFlow's file instead of ours, checked and reported like ours."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy import handover
from ppg_deploy.convert import Conversion, PreparedModel, check_answers, prepare_onnx
from ppg_deploy.decode import check_outputs
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Graph
from ppg_deploy.graph.int8_reference import run_int8
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.onnx2tf_route import Onnx2tfModel, convert_with_onnx2tf
from ppg_deploy.quantize import step
from ppg_deploy.quantize.calibration import spread_rows
from ppg_deploy.quantize.codes import quantize_windows
from ppg_deploy.tflite import parse_tflite
from ppg_deploy.versions import tool_versions
from ppg_deploy.windows import check_shape, load_windows, normalise

_CLIPPING_WINDOWS = 64
_MADE = Path("onnx2tf.tflite")
_HINT = "use --converter direct; a DEQUANTIZE means that TensorFlow left the operator after it in float"


def quantize_with_onnx2tf(inputs: step.QuantizeInputs, model_path: Path) -> step.QuantizedModel:
    """Like quantize_student, with onnx2tf and TensorFlow in a process of their own.

    The same windows calibrate, the same head is cut and the same checks are made. Two things are not to be had: the
    output range cannot be forced, and without a float graph of ours no operator has a signal-to-noise ratio.

    Args:
        inputs: what to read.
        model_path: where the caller will put the .tflite; noted in the report.

    Raises:
        InputError: a file is wrong. EnvironmentProblem: the [tf] extra is not installed.
        UnsupportedModelError: onnx2tf fails, or its file holds something that cannot be compiled.
        AccuracyError: TensorFlow's float model differs from onnxruntime.
    """
    prepared = prepare_onnx(inputs.model)
    windows = load_windows(inputs.calibration)
    check_shape(windows, prepared.input_shape[1:])
    rows = spread_rows(windows.hr, len(windows))
    used = windows.select(rows)
    x = normalise(used, inputs.card)
    made = convert_with_onnx2tf(prepared.headless, x, inputs.model)
    graph = _audited_graph(made.tflite, inputs.model)
    conversion = _as_conversion(prepared, made, graph, inputs.model)
    card, warnings = step._completed_card(inputs.card, conversion)
    if card is not None:
        check_outputs(card.output, graph.output.size)
    float_check = check_answers(conversion, x[: len(made.float_outputs)], made.float_outputs)
    warnings += step._calibration_warnings(windows, card)
    warnings.append(_range_warning(graph))
    evaluation = step._Evaluation(used, is_calibration=True, is_sample=len(used) < len(windows))
    if inputs.evaluation is not None:
        evaluation = step._Evaluation(
            step._checked_windows(inputs.evaluation, conversion), is_calibration=False, is_sample=False
        )
    report = handover.QuantizeReport(
        source=handover.NamedFile(path=str(inputs.model.resolve()), sha256=prepared.source_sha256),
        card=card,
        card_file=None if inputs.card_path is None else step._named(inputs.card_path),
        converter="onnx2tf",
        onnx2tf=handover.Onnx2tfFacts(
            seconds=made.seconds, peak_bytes=made.peak_bytes, versions=dict(made.versions)
        ),
        model=step._model_facts(graph, made.tflite, conversion, model_path),
        head_cut=prepared.head is not None,
        output_range=None,
        calibration=handover.CalibrationFacts(
            file=step._named(inputs.calibration),
            method="min/max",
            windows=len(rows),
            hr_low=None if used.hr is None else float(used.hr.min()),
            hr_high=None if used.hr is None else float(used.hr.max()),
        ),
        float_check=handover.FloatCheckFacts(
            windows=float_check.windows,
            max_abs_error=float_check.max_abs_error,
            relative_error=float_check.relative_error,
        ),
        accuracy=step._accuracy(conversion, graph, evaluation, card),
        operators=_operators(graph, conversion.arranged(x)),
        warnings=tuple(warnings),
        tool_versions=tool_versions(),
    )
    return step.QuantizedModel(graph, made.tflite, report)


def _audited_graph(tflite: bytes, source: Path) -> Graph:
    """The graph of TensorFlow's file.

    Raises:
        UnsupportedModelError: an operator that we do not have, or an activation that stayed float.
    """
    try:
        graph = parse_tflite(tflite, _MADE)
    except UnsupportedModelError as error:
        reason = error.message.removeprefix(f"{_MADE}: ")
        raise UnsupportedModelError(
            f"{source}: onnx2tf made a file that cannot be compiled: {reason}", hint=_HINT
        ) from error
    for number, operator in enumerate(graph.operators):
        for name in (*operator.inputs, *operator.outputs):
            if name and graph.tensors[name].dtype is DType.FLOAT32:
                raise UnsupportedModelError(
                    f"{source}: onnx2tf left operator {number} ({operator.kind}) in float: tensor {name}",
                    hint=_HINT,
                )
    return graph


def _as_conversion(prepared: PreparedModel, made: Onnx2tfModel, graph: Graph, source: Path) -> Conversion:
    """The int8 graph in the place of the float one: windows are arranged by it and answers compared with it."""
    return Conversion(
        graph=graph,
        source=source,
        source_sha256=prepared.source_sha256,
        input_shape=prepared.input_shape,
        input_axes=made.input_axes,
        head=prepared.head,
        original=prepared.original,
        simplified=prepared.simplified,
        headless=prepared.headless,
        # onnx2tf moves the axes of outputs with channels, too; check_answers notices.
        output_order=np.arange(graph.output.size),
    )


def _range_warning(graph: Graph) -> str:
    low, high = ((code - graph.output.zero_point) * graph.output.scale for code in (-128, 127))
    return (
        f"--converter onnx2tf: the output range {low:.1f} to {high:.1f} comes from the calibration windows alone and "
        "cannot be forced; answers beyond it are clipped"
    )


def _operators(graph: Graph, x: NDArray[np.float32]) -> tuple[handover.OperatorFacts, ...]:
    """Fraction of clipped codes of each operator over windows (N, *input shape without batch)."""
    clipped = dict.fromkeys((operator.output for operator in graph.operators), 0)
    count = dict.fromkeys(clipped, 0)
    for values in run_int8(graph, quantize_windows(x[:: -(-len(x) // _CLIPPING_WINDOWS)], graph.input)):
        for name in clipped:
            at_limit = (values[name] == 127) | (
                (values[name] == -128) & (graph.tensors[name].zero_point != -128)
            )
            clipped[name] += int(at_limit.sum())
            count[name] += values[name].size
    return tuple(
        handover.OperatorFacts(
            index=index,
            kind=operator.kind,
            output=operator.output,
            sqnr_db=None,
            clipped=clipped[operator.output] / count[operator.output],
            macs=multiply_accumulates(graph, operator),
        )
        for index, operator in enumerate(graph.operators)
    )
