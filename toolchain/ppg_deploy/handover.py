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


class NamedFile(BaseModel):
    """A file and the hash of its contents at the time."""

    model_config = _STRICT
    path: str
    sha256: str


class TensorFacts(BaseModel):
    """An int8 input or output of the model."""

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


class CalibrationFacts(BaseModel):
    """Which windows the ranges come from."""

    model_config = _STRICT
    file: NamedFile
    method: Literal["min/max"]
    windows: int
    hr_low: float | None
    hr_high: float | None


class FloatCheckFacts(BaseModel):
    """Float graph against onnxruntime."""

    model_config = _STRICT
    windows: int
    max_abs_error: float
    relative_error: float


class AccuracyFacts(BaseModel):
    """Float against int8 on the evaluated windows; MAE fields are null without labels or card.

    The filtered ones are null, too, when the windows are a sample of a larger calibration file.
    """

    model_config = _STRICT
    file: NamedFile
    windows: int
    is_calibration: bool
    mae_float: float | None
    mae_int8: float | None
    mae_float_filtered: float | None
    mae_int8_filtered: float | None
    mean_abs_difference: float
    max_abs_difference: float
    unit: Literal["BPM", "model output"]


class OperatorFacts(BaseModel):
    """One operator of the int8 model."""

    model_config = _STRICT
    index: int
    kind: str
    output: str
    sqnr_db: float | None
    clipped: float
    macs: int


class Onnx2tfFacts(BaseModel):
    """How the second route went: wall-clock time and largest memory of its process."""

    model_config = _STRICT
    seconds: float
    peak_bytes: int
    versions: dict[str, str]


class QuantizeReport(BaseModel):
    """The whole file."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    source: NamedFile
    card: StudentCard | None
    card_file: NamedFile | None
    converter: Converter = "direct"
    onnx2tf: Onnx2tfFacts | None = None
    """Only when `converter` is onnx2tf."""
    model: ModelFacts
    head_cut: bool
    output_range: tuple[float, float] | None
    calibration: CalibrationFacts
    float_check: FloatCheckFacts
    accuracy: AccuracyFacts
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


class CompiledOperators(BaseModel):
    """operators.json: what the generated C consists of, in order of execution."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    model_sha256: str
    operators: tuple[CompiledOperator, ...]


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
