"""What a process of its own is asked to do, and what it answers. Both are files in the job's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ppg_deploy.errors import PpgDeployError
from ppg_deploy.matrix.sweep_file import ModelEntry, Optimize, Runtime

_STRICT = ConfigDict(extra="forbid", frozen=True)
JOB_NAME = "job.json"
OUTCOME_NAME = "outcome.json"
LOG_NAME = "log.txt"


class QuantizeJob(BaseModel):
    """Quantise `model`, whose paths are absolute, into the job's folder."""

    model_config = _STRICT
    kind: Literal["quantize"] = "quantize"
    model: ModelEntry


class PointJob(BaseModel):
    """Build one model for one board and measure it, in the job's folder.

    Attributes:
        tflite: the model.
        quantize_json: what `quantize` said of it; None for a model of other origin.
        source: the ONNX file, for the float answers; None likewise.
        data: windows to stream.
        hop: samples, "auto" or None.
        ram_budget: bytes or None.
        emulator: None for a board.
        port: of the board; None for the emulator.
    """

    model_config = _STRICT
    kind: Literal["point"] = "point"
    tflite: Path
    quantize_json: Path | None
    source: Path | None
    data: Path
    board: str
    boards_dirs: tuple[Path, ...]
    runtime: Runtime
    optimize: Optimize | None
    hop: int | Literal["auto"] | None
    ram_budget: int | None
    tflm_dir: Path | None
    emulator: Literal["unicorn", "qemu", "renode"] | None
    port: str | None = None
    count: int
    timing_model: str | None

    def input_files(self) -> Mapping[str, Path]:
        """The files it reads, by the name of the field."""
        named = {
            "tflite": self.tflite,
            "quantize_json": self.quantize_json,
            "source": self.source,
            "data": self.data,
        }
        return {name: path for name, path in named.items() if path is not None}


Job = Annotated[QuantizeJob | PointJob, Field(discriminator="kind")]
JOB: TypeAdapter[QuantizeJob | PointJob] = TypeAdapter(Job)


class ErrorFacts(BaseModel):
    """Why something failed: class of ppg_deploy.errors, or "crash", "time limit", "worker lost"."""

    model_config = _STRICT
    kind: str
    message: str
    hint: str


class Outcome(BaseModel):
    """How a job ended. `result` is the folder of its result within the job's folder; only of a point."""

    model_config = _STRICT
    error: ErrorFacts | None = None
    result: str | None = None
    wall_s: float = 0.0


def failed(error: PpgDeployError) -> Outcome:
    """The outcome of a job that raised `error`."""
    return Outcome(error=ErrorFacts(kind=type(error).__name__, message=error.message, hint=error.hint))
