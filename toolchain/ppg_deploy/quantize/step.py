"""The whole step: ONNX file -> model.tflite and quantize.json."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy import handover
from ppg_deploy.accuracy import HeartRate, heart_rate, mean_absolute_error
from ppg_deploy.card import ClassesOutput, ScalarOutput, StudentCard
from ppg_deploy.convert import Conversion, check_against_onnxruntime, convert_onnx
from ppg_deploy.decode import check_outputs
from ppg_deploy.errors import InputError
from ppg_deploy.files import sha256, sha256_of_file
from ppg_deploy.graph import Graph
from ppg_deploy.graph.int8_reference import run_int8_output
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.quantize.attention_warnings import sensitive_layers
from ppg_deploy.quantize.calibration import calibrate, spread_rows
from ppg_deploy.quantize.codes import dequantize_codes, quantize_windows
from ppg_deploy.quantize.fidelity import operator_fidelity
from ppg_deploy.quantize.quantizer import quantize_graph
from ppg_deploy.tflite import write_tflite
from ppg_deploy.versions import tool_versions
from ppg_deploy.windows import Windows, check_shape, load_windows, normalise

FEW_WINDOWS = 100
_CHECK_WINDOWS = 32


@dataclass(frozen=True)
class QuantizeInputs:
    """Files that the step reads; `card` and `evaluation` are optional."""

    model: Path
    card: StudentCard | None
    card_path: Path | None
    calibration: Path
    evaluation: Path | None = None


@dataclass(frozen=True)
class QuantizedModel:
    """The step's result, nothing written yet."""

    graph: Graph
    tflite: bytes
    report: handover.QuantizeReport


def quantize_student(inputs: QuantizeInputs, model_path: Path) -> QuantizedModel:
    """Convert, calibrate, quantise and evaluate one student.

    Args:
        inputs: what to read.
        model_path: where the caller will put the .tflite; noted in the report.

    Raises:
        InputError: a file is wrong. UnsupportedModelError: an operator cannot be converted.
        AccuracyError: the float graph differs from onnxruntime.
    """
    conversion = convert_onnx(inputs.model)
    card, warnings = _completed_card(inputs.card, conversion)
    calibration_windows = _checked_windows(inputs.calibration, conversion)
    if card is not None:
        check_outputs(card.output, conversion.graph.output.size)
    rows = spread_rows(calibration_windows.hr, len(calibration_windows))
    used = calibration_windows.select(rows)
    calibration_x = normalise(used, card)
    float_check = check_against_onnxruntime(conversion, calibration_x[:_CHECK_WINDOWS])
    calibration = calibrate(conversion.graph, conversion.arranged(calibration_x))
    output_range = _physiological_range(card)
    graph = quantize_graph(conversion.graph, calibration, output_range=output_range)
    tflite = write_tflite(graph)
    warnings += _calibration_warnings(calibration_windows, card)
    warnings += sensitive_layers(conversion.graph, graph, conversion.arranged(calibration_x))
    evaluation = _Evaluation(used, is_calibration=True, is_sample=len(used) < len(calibration_windows))
    if inputs.evaluation is not None:
        windows = _checked_windows(inputs.evaluation, conversion)
        evaluation = _Evaluation(windows, is_calibration=False, is_sample=False)
    report = handover.QuantizeReport(
        source=handover.NamedFile(path=str(inputs.model.resolve()), sha256=conversion.source_sha256),
        card=card,
        card_file=None if inputs.card_path is None else _named(inputs.card_path),
        model=_model_facts(graph, tflite, conversion, model_path),
        head_cut=conversion.head is not None,
        output_range=output_range,
        calibration=handover.CalibrationFacts(
            file=_named(inputs.calibration),
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
        accuracy=_accuracy(conversion, graph, evaluation, card),
        operators=tuple(
            handover.OperatorFacts(**asdict(facts))
            for facts in operator_fidelity(conversion.graph, graph, conversion.arranged(calibration_x))
        ),
        warnings=tuple(warnings),
        tool_versions=tool_versions(),
    )
    return QuantizedModel(graph, tflite, report)


def _named(path: Path) -> handover.NamedFile:
    return handover.NamedFile(path=str(path.resolve()), sha256=sha256_of_file(path))


def _checked_windows(path: Path, conversion: Conversion) -> Windows:
    windows = load_windows(path)
    check_shape(windows, conversion.input_shape[1:])
    return windows


def _completed_card(card: StudentCard | None, conversion: Conversion) -> tuple[StudentCard | None, list[str]]:
    """The card, with the decode rule of a head that was cut off the model."""
    head = conversion.head
    if head is None:
        return card, []
    if card is None:
        return None, ["the softmax head was cut off: the int8 model answers with logits"]
    if head.first_bin_bpm is None or head.bin_width_bpm is None:
        if isinstance(card.output, ScalarOutput):
            raise InputError(
                "field output.decode: scalar, but the model ends in a softmax over classes",
                hint='use decode = "argmax" or "expectation" with first_bin_bpm and bin_width_bpm',
            )
        return card, ["the final softmax was cut off: it does not change the decoded heart rate"]
    output = ClassesOutput(
        decode="expectation",
        first_bin_bpm=head.first_bin_bpm,
        bin_width_bpm=head.bin_width_bpm,
        valid_bpm=card.output.valid_bpm,
    )
    note = (
        f"the softmax-expectation head ({conversion.graph.output.size} bins from {head.first_bin_bpm:g} BPM, "
        f"{head.bin_width_bpm:g} BPM apart) was cut off and runs in float as the decoder"
    )
    return card.model_copy(update={"output": output}), [note]


def _physiological_range(card: StudentCard | None) -> tuple[float, float] | None:
    """Forced output range of a scalar head: calibration windows never hold every heart rate."""
    if card is None or not isinstance(card.output, ScalarOutput):
        return None
    return (0.0, card.output.valid_bpm[1])


def _calibration_warnings(windows: Windows, card: StudentCard | None) -> list[str]:
    warnings = []
    if len(windows) < FEW_WINDOWS:
        warnings.append(
            f"only {len(windows)} calibration windows: ranges may be too narrow; use {FEW_WINDOWS} or more"
        )
    if card is None:
        warnings.append("no student card: x is taken as the model's input and no heart rate is decoded")
    elif windows.hr is None:
        warnings.append(f"{windows.path} has no labels (hr): no heart-rate error is reported")
    return warnings


def _model_facts(
    graph: Graph, tflite: bytes, conversion: Conversion, model_path: Path
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
            onnx_shape=conversion.input_shape,
            onnx_axes=conversion.input_axes,
        ),
        output=handover.TensorFacts(
            shape=graph.output.shape, scale=graph.output.scale, zero_point=graph.output.zero_point
        ),
    )


@dataclass(frozen=True)
class _Evaluation:
    """Windows to report the error on; in a sample of a recording the post-filter would see gaps."""

    windows: Windows
    is_calibration: bool
    is_sample: bool


def _accuracy(
    conversion: Conversion, graph: Graph, evaluation: _Evaluation, card: StudentCard | None
) -> handover.AccuracyFacts:
    windows = evaluation.windows
    x = normalise(windows, card)
    exact = conversion.onnxruntime_output(x).astype(np.float64)
    codes = run_int8_output(graph, quantize_windows(conversion.arranged(x), graph.input))
    quantized = dequantize_codes(codes, graph.output)
    if card is None:
        return handover.AccuracyFacts(
            file=_named(windows.path),
            windows=len(windows),
            is_calibration=evaluation.is_calibration,
            mae_float=None,
            mae_int8=None,
            mae_float_filtered=None,
            mae_int8_filtered=None,
            unit="model output",
            **_differences(exact, quantized),
        )
    of_float, of_int8 = heart_rate(card, exact, windows), heart_rate(card, quantized, windows)

    def filtered(answers: HeartRate) -> float | None:
        return None if evaluation.is_sample else mean_absolute_error(answers.filtered, windows)

    return handover.AccuracyFacts(
        file=_named(windows.path),
        windows=len(windows),
        is_calibration=evaluation.is_calibration,
        mae_float=mean_absolute_error(of_float.raw, windows),
        mae_int8=mean_absolute_error(of_int8.raw, windows),
        mae_float_filtered=filtered(of_float),
        mae_int8_filtered=filtered(of_int8),
        unit="BPM",
        **_differences(of_float.raw, of_int8.raw),
    )


def _differences(exact: NDArray[np.float64], quantized: NDArray[np.float64]) -> dict[str, float]:
    difference = np.abs(exact - quantized)
    return {
        "mean_abs_difference": float(difference.mean()),
        "max_abs_difference": float(difference.max()),
    }
