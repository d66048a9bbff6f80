"""The whole step: ONNX file -> model.tflite and quantize.json."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy import handover
from ppg_deploy.files import sha256
from ppg_deploy.graph import DType, Graph
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.quantization.attention_warnings import sensitive_layers
from ppg_deploy.quantization.bias_correction import correct_biases
from ppg_deploy.quantization.calibration import Range
from ppg_deploy.quantization.coverage import heart_rate_histogram
from ppg_deploy.quantization.evaluation import evaluate
from ppg_deploy.quantization.gate import judge
from ppg_deploy.quantization.methods import (
    ActivationStatistics,
    calibration_by,
    collect_statistics,
    input_limits,
)
from ppg_deploy.quantization.operator_report import ActivationReport, activation_facts
from ppg_deploy.quantization.preparation import PreparedStudent, QuantizeInputs, named, prepare_student
from ppg_deploy.quantization.quantizer import quantize_graph
from ppg_deploy.quantization.settings import QuantizeSettings
from ppg_deploy.tflite import write_tflite
from ppg_deploy.versions import tool_versions


@dataclass(frozen=True)
class QuantizedModel:
    """The step's result, nothing written yet."""

    graph: Graph
    tflite: bytes
    report: handover.QuantizeReport


@dataclass(frozen=True)
class CalibrationInput:
    """Calibration windows as the int8 model will see them.

    Attributes:
        arranged: float32 (N, *graph input shape without batch), limited to `limits`.
        limits: range of a clipped input; None without clipping.
    """

    arranged: NDArray[np.float32]
    limits: Range | None


def quantize_student(
    inputs: QuantizeInputs, model_path: Path, settings: QuantizeSettings | None = None
) -> QuantizedModel:
    """Convert, calibrate, quantise and evaluate one student.

    Args:
        inputs: what to read.
        model_path: where the caller will put the .tflite; noted in the report.
        settings: calibration method and its options; min-max by default.

    Raises:
        InputError: a file is wrong. UnsupportedModelError: an operator cannot be converted.
        AccuracyError: the float graph differs from onnxruntime. A failed gate is no error here: it is in the report.
    """
    settings = settings or QuantizeSettings()
    student = prepare_student(inputs)
    source = calibration_input(student, settings.input_clip)
    statistics = collect_statistics(student.conversion.graph, source.arranged, [settings.method])
    graph = quantize_prepared(student, source, statistics, settings)
    tflite = write_tflite(graph)
    return assemble(
        student,
        graph,
        tflite,
        model_path,
        output_range=student.output_range(settings.output_range),
        calibration=calibration_facts(student, settings, source.limits),
        activations=activation_facts(student.conversion.graph, graph, student.evaluation, student.card),
        warnings=tuple(sensitive_layers(student.conversion.graph, graph, source.arranged)),
    )


def assemble(
    student: PreparedStudent,
    graph: Graph,
    tflite: bytes,
    model_path: Path,
    *,
    output_range: Range | None,
    calibration: handover.CalibrationFacts,
    activations: ActivationReport,
    warnings: tuple[str, ...] = (),
    onnx2tf: handover.Onnx2tfFacts | None = None,
) -> QuantizedModel:
    """Evaluate an int8 model, judge it and write the report; the same for either converter."""
    inputs = student.inputs
    accuracy = evaluate(student.evaluation, graph, student.card)
    report = handover.QuantizeReport(
        source=handover.NamedFile(path=str(inputs.model.resolve()), sha256=student.conversion.source_sha256),
        card=student.card,
        card_file=None if inputs.card_path is None else named(inputs.card_path),
        converter="direct" if onnx2tf is None else "onnx2tf",
        onnx2tf=onnx2tf,
        model=_model_facts(graph, tflite, student, model_path),
        activations="int16" if graph.input.dtype is DType.INT16 else "int8",
        head_cut=student.conversion.head is not None,
        output_range=output_range,
        calibration=calibration,
        float_check=handover.FloatCheckFacts(
            windows=student.float_check.windows,
            max_abs_error=student.float_check.max_abs_error,
            relative_error=student.float_check.relative_error,
        ),
        accuracy=accuracy,
        gate=judge(accuracy, inputs.gate),
        report_windows=activations.windows,
        input_activation=activations.input,
        operators=activations.operators,
        warnings=student.warnings + warnings,
        tool_versions=tool_versions(),
    )
    return QuantizedModel(graph, tflite, report)


def calibration_input(student: PreparedStudent, input_clip: float | None) -> CalibrationInput:
    """Calibration windows, limited to `input_clip` standard deviations: everything behind sees clipped values, too.

    On host and device alike the saturation of int8 does the clipping.
    """
    arranged = student.conversion.arranged(student.calibration_x)
    if input_clip is None:
        return CalibrationInput(arranged, None)
    limits = input_limits(student.calibration_x, input_clip)
    return CalibrationInput(np.clip(arranged, *limits), limits)


def quantize_prepared(
    student: PreparedStudent,
    source: CalibrationInput,
    statistics: ActivationStatistics,
    settings: QuantizeSettings,
) -> Graph:
    """The quantised graph by the given settings; `statistics` belong to `source`."""
    float_graph = student.conversion.graph
    graph = quantize_graph(
        float_graph,
        calibration_by(float_graph, statistics, settings),
        output_range=student.output_range(settings.output_range),
        activations=DType.INT16 if settings.int16x8 else DType.INT8,
    )
    return correct_biases(float_graph, graph, source.arranged) if settings.bias_correction else graph


def calibration_facts(
    student: PreparedStudent, settings: QuantizeSettings, limits: Range | None
) -> handover.CalibrationFacts:
    """Which windows calibrated and how; `limits` is the range of a clipped input."""
    hr = student.calibration_windows.hr
    return handover.CalibrationFacts(
        file=named(student.inputs.calibration),
        method=settings.method,
        percentile=settings.percentile if settings.method == "percentile" else None,
        bias_correction=settings.bias_correction,
        input_clip=settings.input_clip,
        input_limits=limits,
        windows=len(student.calibration_windows),
        hr_low=None if hr is None else float(hr.min()),
        hr_high=None if hr is None else float(hr.max()),
        hr_histogram=()
        if hr is None
        else tuple(handover.HeartRateBinFacts(**asdict(part)) for part in heart_rate_histogram(hr)),
    )


def _model_facts(
    graph: Graph, tflite: bytes, student: PreparedStudent, model_path: Path
) -> handover.ModelFacts:
    return handover.ModelFacts(
        file=handover.NamedFile(path=str(model_path.resolve()), sha256=sha256(tflite)),
        bytes=len(tflite),
        macs=total_multiply_accumulates(graph),
        constant_bytes=graph.constant_bytes,
        input=handover.InputFacts(
            shape=graph.input.shape,
            scale=graph.input.scale,
            zero_point=graph.input.zero_point,
            onnx_shape=student.conversion.input_shape,
            onnx_axes=student.conversion.input_axes,
        ),
        output=handover.TensorFacts(
            shape=graph.output.shape, scale=graph.output.scale, zero_point=graph.output.zero_point
        ),
    )
