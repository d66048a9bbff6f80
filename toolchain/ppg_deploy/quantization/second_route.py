"""`quantize --converter onnx2tf`: TensorFlow's file instead of ours, checked and reported like ours."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy import handover
from ppg_deploy.convert import (
    Conversion,
    FloatCheck,
    HeadCut,
    ReadModel,
    check_answers,
    find_head,
    read_model,
)
from ppg_deploy.errors import InputError, UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.quantized_reference import run_quantized
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.onnx2tf_route import Onnx2tfModel, convert_with_onnx2tf
from ppg_deploy.quantization.calibration import Range, spread_rows
from ppg_deploy.quantization.codes import quantize_windows
from ppg_deploy.quantization.methods import input_limits
from ppg_deploy.quantization.operator_report import REPORT_WINDOWS, ActivationReport
from ppg_deploy.quantization.preparation import QuantizeInputs, student_of
from ppg_deploy.quantization.settings import QuantizeSettings
from ppg_deploy.quantization.step import QuantizedModel, assemble, calibration_facts
from ppg_deploy.tflite import parse_tflite
from ppg_deploy.windows import check_shape, load_windows, normalise

_MADE = Path("onnx2tf.tflite")
_HINT = "use --converter direct; a DEQUANTIZE means that TensorFlow left the operator after it in float"


def quantize_with_onnx2tf(
    inputs: QuantizeInputs, model_path: Path, settings: QuantizeSettings | None = None
) -> QuantizedModel:
    """Like quantize_student, with onnx2tf and TensorFlow in a process of their own.

    The same windows calibrate, the same head is cut and the same checks are made. Not to be had: other methods than
    min-max, bias correction, a forced output range and, without a float graph of ours, signal-to-noise ratios.

    Args:
        inputs: what to read.
        model_path: where the caller will put the .tflite; noted in the report.
        settings: only the input may be clipped.

    Raises:
        InputError: a file or a setting is wrong. EnvironmentProblem: the [tf] extra is not installed.
        UnsupportedModelError: onnx2tf fails, or its file holds something that cannot be compiled.
        AccuracyError: TensorFlow's float model differs from onnxruntime.
    """
    settings = settings or QuantizeSettings()
    _require_available(settings)
    model = read_model(inputs.model)
    head = find_head(list(model.nodes), model.constants, model.output)
    headless = model.up_to(model.output if head is None else head.logits)
    windows = load_windows(inputs.calibration)
    check_shape(windows, model.input_shape[1:])
    x = normalise(windows.select(spread_rows(windows.hr, len(windows))), inputs.card)
    limits = None if settings.input_clip is None else input_limits(x, settings.input_clip)
    made = convert_with_onnx2tf(headless, x if limits is None else np.clip(x, *limits), inputs.model)
    graph = _audited_graph(made.tflite, inputs.model)

    def check(conversion: Conversion, x: NDArray[np.float32]) -> FloatCheck:
        # TensorFlow's answers are those to the clipped windows.
        given = x[: len(made.float_outputs)]
        return check_answers(
            conversion, given if limits is None else np.clip(given, *limits), made.float_outputs
        )

    student = student_of(inputs, _as_conversion(model, head, headless, made, graph, inputs.model), check)
    return assemble(
        student,
        graph,
        made.tflite,
        model_path,
        output_range=None,
        calibration=calibration_facts(student, settings, limits),
        activations=_activations(graph, student.evaluation.arranged),
        warnings=(_range_warning(graph),),
        onnx2tf=handover.Onnx2tfFacts(
            seconds=made.seconds, peak_bytes=made.peak_bytes, versions=dict(made.versions)
        ),
    )


def _require_available(settings: QuantizeSettings) -> None:
    """Raise InputError for what TensorFlow's quantiser does not offer."""
    refused = {
        "--method": settings.method != "min-max",
        "--bias-correction": settings.bias_correction,
        "--output-range": not isinstance(settings.output_range, str),
    }
    for option, is_set in refused.items():
        if is_set:
            raise InputError(
                f"option {option}: not available with --converter onnx2tf", hint="use --converter direct"
            )


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


def _as_conversion(
    model: ReadModel, head: HeadCut | None, headless: bytes, made: Onnx2tfModel, graph: Graph, source: Path
) -> Conversion:
    """The int8 graph in the place of the float one: windows are arranged by it and answers compared with it."""
    return Conversion(
        graph=graph,
        source=source,
        source_sha256=model.source_sha256,
        input_shape=model.input_shape,
        input_axes=made.input_axes,
        head=head,
        original=model.original,
        simplified=model.simplified,
        headless=headless,
        # onnx2tf moves the axes of outputs with channels, too; check_answers notices.
        output_order=np.arange(graph.output.size),
    )


def _range_of(tensor: Tensor) -> Range:
    """What int8 codes of a tensor can say."""
    low, high = ((code - tensor.zero_point) * tensor.scale for code in (-128, 127))
    return (low, high)


def _range_warning(graph: Graph) -> str:
    low, high = _range_of(graph.output)
    return (
        f"--converter onnx2tf: the output range {low:.1f} to {high:.1f} comes from the calibration windows alone and "
        "cannot be forced; answers beyond it are clipped"
    )


def _activations(graph: Graph, arranged: NDArray[np.float32]) -> ActivationReport:
    """Clipped codes and ranges over windows (N, *input shape without batch); the rest needs a float graph.

    The range used is that of the int8 activation, so it never leaves the calibrated one.
    """
    x = arranged[:: -(-len(arranged) // REPORT_WINDOWS)]
    names = [graph.inputs[0], *(operator.output for operator in graph.operators)]
    low, high = dict.fromkeys(names, 127), dict.fromkeys(names, -128)
    clipped, count = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for values in run_quantized(graph, quantize_windows(x, graph.input)):
        for name in names:
            codes = values[name]
            low[name], high[name] = min(low[name], int(codes.min())), max(high[name], int(codes.max()))
            low_is_zero = graph.tensors[name].zero_point == -128
            clipped[name] += int(((codes == 127) | ((codes == -128) & (not low_is_zero))).sum())
            count[name] += codes.size

    def facts(name: str) -> handover.ActivationFacts:
        tensor = graph.tensors[name]
        used = tuple((code - tensor.zero_point) * tensor.scale for code in (low[name], high[name]))
        return handover.ActivationFacts(
            sqnr_db=None,
            clipped=clipped[name] / count[name],
            range_calibrated=_range_of(tensor),
            range_used=(used[0], used[1]),
            what_if_float=None,
        )

    return ActivationReport(
        windows=len(x),
        input=facts(graph.inputs[0]),
        operators=tuple(
            handover.OperatorFacts(
                **facts(operator.output).model_dump(),
                index=index,
                kind=operator.kind,
                output=operator.output,
                own_sqnr_db=None,
                macs=multiply_accumulates(graph, operator),
            )
            for index, operator in enumerate(graph.operators)
        ),
    )
