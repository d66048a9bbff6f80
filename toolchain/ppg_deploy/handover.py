"""Files by which one command tells the next what the model's bytes do not say.

`quantize` writes quantize.json; `build` writes operators.json into the firmware project.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ppg_deploy.card import StudentCard, describe_problems
from ppg_deploy.errors import InputError

_STRICT = ConfigDict(extra="forbid", frozen=True)
Converter = Literal["direct", "onnx2tf"]
FILE_NAME = "quantize.json"
# In the results folder; `build` puts a copy into the firmware project, so that both stay together.
MODEL_NAME = "model.tflite"
OPERATORS_NAME = "operators.json"
EXPLAIN_NAME = "explain.json"


class NamedFile(BaseModel):
    """A file and the hash of its contents at the time."""

    model_config = _STRICT
    path: str
    sha256: str


class TensorFacts(BaseModel):
    """A quantised input or output of the model."""

    model_config = _STRICT
    shape: tuple[int, ...]
    scale: float
    zero_point: int


class InputFacts(TensorFacts):
    """The input, and how the ONNX model's axes lie in it.

    A window x of `onnx_shape` becomes x.transpose(onnx_axes) reshaped to `shape` (batch included in both).
    """

    onnx_shape: tuple[int, ...]
    onnx_axes: tuple[int, ...]


class ModelFacts(BaseModel):
    """The int8 model."""

    model_config = _STRICT
    file: NamedFile
    bytes: int
    macs: int
    constant_bytes: int
    input: InputFacts
    output: TensorFacts


class HeartRateBinFacts(BaseModel):
    """Calibration windows with a reference heart rate in [low, high) BPM."""

    model_config = _STRICT
    low: float
    high: float
    windows: int


class CalibrationFacts(BaseModel):
    """Which windows the ranges come from, and how.

    `percentile` is null unless it is the method. `input_clip` is the limit in standard deviations, and
    `input_limits` what it comes to; both are null when the input was not clipped.
    """

    model_config = _STRICT
    file: NamedFile
    method: Literal["min-max", "percentile", "mse"]
    percentile: float | None
    bias_correction: bool
    input_clip: float | None
    input_limits: tuple[float, float] | None
    windows: int
    hr_low: float | None
    hr_high: float | None
    hr_histogram: tuple[HeartRateBinFacts, ...]


class FloatCheckFacts(BaseModel):
    """Float graph against onnxruntime."""

    model_config = _STRICT
    windows: int
    max_abs_error: float
    relative_error: float


class IntervalFacts(BaseModel):
    """Bootstrap confidence interval of a difference in MAE, BPM.

    `over` says what was drawn: subjects, or blocks of successive windows when there is only one subject.
    """

    model_config = _STRICT
    low: float
    high: float
    level: float
    over: Literal["subjects", "blocks of windows"]
    units: int
    resamples: int
    seed: int


class SubjectFacts(BaseModel):
    """Raw error of one subject in BPM; `delta_mae` is int8 - float."""

    model_config = _STRICT
    subject: str
    windows: int
    mae_float: float
    mae_int8: float
    delta_mae: float


class AccuracyFacts(BaseModel):
    """Float against the quantised model (`int8`, also when its activations are int16) on the evaluated windows.

    What needs labels is null without labels or card.

    The filtered ones are null, too, when the windows are a sample of a larger calibration file. `changed_answers`
    counts windows whose answer differs by more than 5 BPM, `saturated_low` and `saturated_high` the lowest and
    highest codes (-128 and 127 in int8) among `output_codes`.
    """

    model_config = _STRICT
    file: NamedFile
    windows: int
    is_calibration: bool
    mae_float: float | None
    mae_int8: float | None
    mae_float_filtered: float | None
    mae_int8_filtered: float | None
    delta_mae: float | None
    delta_mae_filtered: float | None
    delta_interval: IntervalFacts | None
    delta_interval_filtered: IntervalFacts | None
    subjects: tuple[SubjectFacts, ...]
    worst_subject: SubjectFacts | None
    mean_abs_difference: float
    p95_abs_difference: float
    max_abs_difference: float
    changed_answers: int | None
    saturated_low: int
    saturated_high: int
    output_codes: int
    unit: Literal["BPM", "model output"]


Verdict = Literal["pass", "warn", "fail", "not gated"]


class GateCheckFacts(BaseModel):
    """One figure against its thresholds: pass up to the first, warn up to the second, fail above."""

    model_config = _STRICT
    name: str
    value: float
    pass_up_to: float
    warn_up_to: float
    verdict: Literal["pass", "warn", "fail"]


class GateFacts(BaseModel):
    """The accuracy gate. `reason` says why nothing was gated; the checks are listed all the same."""

    model_config = _STRICT
    verdict: Verdict
    reason: str | None
    checks: tuple[GateCheckFacts, ...]


class WhatIfFacts(BaseModel):
    """What would change if one activation stayed float, everything else as it is; negative is better.

    `mae` needs labels. Both in the unit of the accuracy, on the windows of the operator report.
    """

    model_config = _STRICT
    mae: float | None
    mean_abs_difference: float


class ActivationFacts(BaseModel):
    """How well int8 holds one activation.

    `sqnr_db` is the ratio of signal to noise with all earlier errors included; null without signal or noise.
    `clipped` is the fraction of codes at either end that a fused ReLU does not explain. `range_calibrated` is what
    int8 represents, `range_used` what the float model needs on the windows of the operator report.
    """

    model_config = _STRICT
    sqnr_db: float | None
    clipped: float
    range_calibrated: tuple[float, float]
    range_used: tuple[float, float]
    what_if_float: WhatIfFacts | None


class OperatorFacts(ActivationFacts):
    """One operator of the int8 model and its output; `own_sqnr_db` counts only the noise this operator adds."""

    index: int
    kind: str
    output: str
    own_sqnr_db: float | None
    macs: int


class Onnx2tfFacts(BaseModel):
    """How the second route went: wall-clock time and largest memory of its process."""

    model_config = _STRICT
    seconds: float
    peak_bytes: int
    versions: dict[str, str]


class QuantizeReport(BaseModel):
    """The whole file. `report_windows` of the evaluated windows were used for `input_activation` and `operators`."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    source: NamedFile
    card: StudentCard | None
    card_file: NamedFile | None
    converter: Converter = "direct"
    onnx2tf: Onnx2tfFacts | None = None
    """Only when `converter` is onnx2tf."""
    model: ModelFacts
    activations: Literal["int8", "int16"] = "int8"
    """Type of input, output and everything between; weights are int8 in any case."""
    head_cut: bool
    output_range: tuple[float, float] | None
    calibration: CalibrationFacts
    float_check: FloatCheckFacts
    accuracy: AccuracyFacts
    gate: GateFacts
    report_windows: int
    input_activation: ActivationFacts
    operators: tuple[OperatorFacts, ...]
    warnings: tuple[str, ...]
    tool_versions: dict[str, str]


class CompiledOperator(BaseModel):
    """Function ppg_model_op_<index> of the generated C."""

    model_config = _STRICT
    index: int
    kind: str
    name: str
    kernel: str
    macs: int
    constant_bytes: int
    in_place: bool


class PushOperator(BaseModel):
    """Functions ppg_model_push_op_<index>: an operator's share of every push. The last one moves the stream."""

    model_config = _STRICT
    index: int
    kind: str
    name: str
    kernel: str
    macs: int


class CompiledPush(BaseModel):
    """Sliding windows: what is computed for `hop` new samples per channel.

    `window` are rows, columns and channels, columns being time; `kept_bytes` stay in the arena between answers.
    """

    model_config = _STRICT
    hop: int
    window: tuple[int, int, int]
    sample_bytes: int
    kept_bytes: int
    macs: int
    operators: tuple[PushOperator, ...]


class CompiledOperators(BaseModel):
    """operators.json: what the generated C consists of, in order of execution."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    model_sha256: str
    optimize: Literal["speed", "balanced", "size"] = "balanced"
    operators: tuple[CompiledOperator, ...]
    push: CompiledPush | None = None


def load_operators(path: Path) -> CompiledOperators:
    """Read operators.json.

    Raises:
        InputError: missing or damaged.
    """
    hint = "run: ppg-deploy build"
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=hint)
    try:
        return CompiledOperators.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint=hint) from error


def matching_report(path: Path, model_sha256: str) -> QuantizeReport | None:
    """quantize.json, if there is one and it describes the model with this hash.

    Raises:
        InputError: damaged or written by another version.
    """
    if not path.is_file():
        return None
    report = load_report(path)
    return report if report.model.file.sha256 == model_sha256 else None


def load_report(path: Path) -> QuantizeReport:
    """Read quantize.json.

    Raises:
        InputError: missing, damaged or written by another version.
    """
    hint = "run: ppg-deploy quantize student.onnx"
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=hint)
    try:
        return QuantizeReport.model_validate_json(path.read_bytes(), by_alias=True)
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint=hint) from error
