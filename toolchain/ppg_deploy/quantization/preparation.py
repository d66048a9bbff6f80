"""What every way of quantising one student shares: the converted model, its card, windows and float answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.card import ClassesOutput, ScalarOutput, StudentCard
from ppg_deploy.config import GateConfig
from ppg_deploy.convert import Conversion, FloatCheck, check_against_onnxruntime, convert_onnx
from ppg_deploy.decode import check_outputs
from ppg_deploy.errors import InputError
from ppg_deploy.files import sha256_of_file
from ppg_deploy.handover import NamedFile
from ppg_deploy.quantization.calibration import Range, spread_rows
from ppg_deploy.quantization.coverage import coverage_warning
from ppg_deploy.quantization.evaluation import Evaluation
from ppg_deploy.quantization.settings import OutputRange
from ppg_deploy.windows import Windows, check_shape, load_windows, normalise

CHECK_WINDOWS = 32


@dataclass(frozen=True)
class QuantizeInputs:
    """Files that the step reads; `card` and `evaluation` are optional. `gate` holds the accuracy thresholds."""

    model: Path
    card: StudentCard | None
    card_path: Path | None
    calibration: Path
    evaluation: Path | None = None
    gate: GateConfig = field(default_factory=GateConfig)


@dataclass(frozen=True)
class PreparedStudent:
    """Everything that does not depend on the quantisation settings.

    Attributes:
        inputs: the files.
        conversion: float graph and onnxruntime models.
        card: the card, completed with the decode rule of a head that was cut off.
        calibration_windows: the windows that ranges are taken from.
        calibration_x: the same normalised, float32 (N, *ONNX input shape without batch).
        float_check: float graph against onnxruntime.
        evaluation: windows and float answers on which int8 is judged.
        warnings: what the user should know.
    """

    inputs: QuantizeInputs
    conversion: Conversion
    card: StudentCard | None
    calibration_windows: Windows
    calibration_x: NDArray[np.float32]
    float_check: FloatCheck
    evaluation: Evaluation
    warnings: tuple[str, ...]

    def output_range(self, chosen: OutputRange) -> Range | None:
        """Forced range of the model's output; None leaves the calibrated one."""
        if not isinstance(chosen, str):
            return chosen
        if chosen == "calibrated" or self.card is None or not isinstance(self.card.output, ScalarOutput):
            return None
        # Calibration windows never hold every heart rate.
        return (0.0, self.card.output.valid_bpm[1])


def prepare_student(inputs: QuantizeInputs, *, window_limit: int | None = None) -> PreparedStudent:
    """Convert the model, read the windows and compute the float answers.

    Args:
        inputs: what to read.
        window_limit: evaluate on the middle part of each recording only, about so many windows in all.

    Raises:
        InputError: a file is wrong. UnsupportedModelError: an operator cannot be converted.
        AccuracyError: the float graph differs from onnxruntime.
    """
    conversion = convert_onnx(inputs.model)
    return student_of(inputs, conversion, check_against_onnxruntime, window_limit=window_limit)


def student_of(
    inputs: QuantizeInputs,
    conversion: Conversion,
    check: Callable[[Conversion, NDArray[np.float32]], FloatCheck],
    *,
    window_limit: int | None = None,
) -> PreparedStudent:
    """What `prepare_student` does after the conversion; `check` compares it with onnxruntime on a few windows.

    Raises:
        InputError: a file is wrong. AccuracyError: `check` fails.
    """
    card, warnings = _completed_card(inputs.card, conversion)
    windows = _checked_windows(inputs.calibration, conversion)
    if card is not None:
        check_outputs(card.output, conversion.graph.output.size)
    rows = spread_rows(windows.hr, len(windows))
    used = windows.select(rows)
    x = normalise(used, card)
    float_check = check(conversion, x[:CHECK_WINDOWS])
    warnings += _calibration_warnings(used, card)
    evaluated, is_calibration = used, True
    if inputs.evaluation is not None:
        evaluated, is_calibration = _checked_windows(inputs.evaluation, conversion), False
        if sha256_of_file(inputs.evaluation) == sha256_of_file(inputs.calibration):
            warnings.append("the error is reported on the calibration windows: hold subjects out for --data")
        if window_limit is not None and card is not None:
            evaluated = middles_of_recordings(evaluated, window_limit, card.input.stride_s)
    evaluated_x = x if is_calibration else normalise(evaluated, card)
    return PreparedStudent(
        inputs=inputs,
        conversion=conversion,
        card=card,
        calibration_windows=used,
        calibration_x=x,
        float_check=float_check,
        evaluation=Evaluation(
            windows=evaluated,
            is_calibration=is_calibration,
            is_sample=is_calibration and len(used) < len(windows),
            arranged=conversion.arranged(evaluated_x),
            exact=conversion.onnxruntime_output(evaluated_x).astype(np.float64),
        ),
        warnings=tuple(warnings),
    )


def named(path: Path) -> NamedFile:
    """Path and hash of a file."""
    return NamedFile(path=str(path.resolve()), sha256=sha256_of_file(path))


def middles_of_recordings(windows: Windows, limit: int, stride_s: float) -> Windows:
    """The same share of each recording in one piece, so that the post-filter sees no gaps.

    From the middle: recordings begin and end with people putting the sensor on and off.
    """
    if len(windows) <= limit:
        return windows
    share = limit / len(windows)
    parts = []
    for recording in windows.recordings(stride_s):
        length = recording.stop - recording.start
        kept = max(round(share * length), 1)
        first = recording.start + (length - kept) // 2
        parts.append(np.arange(first, first + kept))
    return windows.select(np.concatenate(parts))


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


def _calibration_warnings(used: Windows, card: StudentCard | None) -> list[str]:
    coverage = coverage_warning(len(used), used.hr, None if card is None else card.output.valid_bpm)
    warnings = [] if coverage is None else [coverage]
    if card is None:
        warnings.append("no student card: x is taken as the model's input and no heart rate is decoded")
    elif used.hr is None:
        warnings.append(f"{used.path} has no labels (hr): no heart-rate error is reported")
    return warnings
