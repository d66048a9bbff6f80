"""SWEEP.toml: what is to be combined with what. Paths are relative to the file."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ppg_deploy.card import describe_problems
from ppg_deploy.errors import InputError
from ppg_deploy.handover import Converter

_STRICT = ConfigDict(extra="forbid", frozen=True)
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")]
NONE: Literal["none"] = "none"
"""TOML has no null: `hop = ["none", 64]` is a build without and one with sliding windows."""

Runtime = Literal["aot", "tflm"]
Optimize = Literal["speed", "balanced", "size"]
_Natural = Annotated[int, Field(ge=1)]
_T = TypeVar("_T")


class ModelEntry(BaseModel):
    """A [[model]]: an ONNX student with the options of `quantize`, or somebody's int8 .tflite with windows."""

    model_config = _STRICT
    name: Name
    onnx: Path | None = None
    tflite: Path | None = None
    card: Path | None = None
    calibration: Path | None = None
    data: Path | None = None
    """Windows to measure on; the calibration windows by default."""
    converter: Converter = "direct"
    method: Literal["min-max", "percentile", "mse"] = "min-max"
    percentile: float = 99.99
    bias_correction: bool = False
    clip_input: float | None = None
    output_range: tuple[float, float] | Literal["card", "calibrated"] = "card"
    int16x8: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.onnx is None) == (self.tflite is None):
            raise ValueError("give either onnx or tflite")
        if self.tflite is not None:
            given = self.model_fields_set - {"name", "tflite", "data"}
            if given:
                raise ValueError(f"a .tflite is not quantised again: leave out {', '.join(sorted(given))}")
            if self.data is None:
                raise ValueError("a .tflite needs data, the windows to stream")
        return self


class MatrixTable(BaseModel):
    """[matrix]: every combination is a point. `optimize`, `hop` and `ram_budget` (bytes) hold for aot only."""

    model_config = _STRICT
    boards: tuple[str, ...] = Field(min_length=1)
    runtimes: tuple[Runtime, ...] = Field(default=("aot",), min_length=1)
    optimize: tuple[Optimize, ...] = Field(default=("balanced",), min_length=1)
    hop: tuple[_Natural | Literal["auto", "none"], ...] = Field(default=(NONE,), min_length=1)
    ram_budget: tuple[_Natural | Literal["none"], ...] = Field(default=(NONE,), min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name, values in self:
            require_distinct(values, name)
        return self


class BenchTable(BaseModel):
    """[bench]: as the options of `bench`.

    A board in `ports` is measured on its serial port instead of under the emulator, one point after the other.
    """

    model_config = _STRICT
    ports: dict[str, str] = {}
    emulator: Literal["unicorn", "qemu", "renode"] = "unicorn"
    count: _Natural = 16
    timing_model: str | None = None

    @model_validator(mode="after")
    def _only_unicorn_counts(self) -> Self:
        if self.timing_model is not None and self.emulator != "unicorn":
            raise ValueError("timing_model needs the emulator unicorn")
        return self


class TflmTable(BaseModel):
    """[tflm]: tree of TFLM's sources, needed by the runtime tflm; by default that of ppg.toml, else $PPG_TFLM_DIR."""

    model_config = _STRICT
    dir: Path | None = None


class LimitsTable(BaseModel):
    """[limits]: seconds of wall clock after which a model's quantisation or a point is ended."""

    model_config = _STRICT
    model_s: float = Field(default=1800.0, gt=0, allow_inf_nan=False)
    point_s: float = Field(default=1800.0, gt=0, allow_inf_nan=False)


class SweepFile(BaseModel):
    """The whole file."""

    model_config = _STRICT
    schema_version: Literal[1] = Field(alias="schema")
    name: Name
    """The results are in OUT/sweep/<name>/."""
    boards_dirs: tuple[Path, ...] = ()
    model: tuple[ModelEntry, ...] = Field(min_length=1)
    matrix: MatrixTable
    bench: BenchTable = BenchTable()
    tflm: TflmTable = TflmTable()
    limits: LimitsTable = LimitsTable()

    @model_validator(mode="after")
    def _models_have_names_of_their_own(self) -> Self:
        require_distinct([model.name for model in self.model], "model.name")
        return self


def require_distinct(values: Sequence[_T], what: str) -> None:
    """Raise ValueError when a value stands twice: its points would be the same."""
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise ValueError(f"{what}: {twice!r} stands twice")


def load_sweep_file(path: Path) -> SweepFile:
    """Read and check a sweep file; its paths come back absolute.

    Raises:
        InputError: no such file, not TOML, a wrong field, or a file that it names is missing.
    """
    hint = "see docs/sweep.md"
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint=f"write a sweep file: {hint}")
    try:
        sweep = SweepFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint=hint) from error
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint=hint) from error
    root = path.resolve().parent
    return sweep.model_copy(
        update={
            "boards_dirs": tuple(root / folder for folder in sweep.boards_dirs),
            "model": tuple(_found(model, root, path) for model in sweep.model),
            "tflm": TflmTable(dir=None if sweep.tflm.dir is None else root / sweep.tflm.dir),
        }
    )


def _found(model: ModelEntry, root: Path, sweep_path: Path) -> ModelEntry:
    """With absolute paths, and the card and calibration windows that lie beside an ONNX file, as for `quantize`."""
    given = {"onnx": model.onnx, "tflite": model.tflite, "card": model.card}
    given |= {"calibration": model.calibration, "data": model.data}
    paths = {name: root / path for name, path in given.items() if path is not None}
    for name, path in paths.items():
        if not path.is_file():
            raise InputError(
                f"{sweep_path}: model {model.name}: {name}: {path} does not exist",
                hint="paths are relative to the folder of the sweep file",
            )
    if "onnx" in paths:
        card = paths["onnx"].with_suffix(".toml")
        if card.is_file():
            paths.setdefault("card", card)
        calibration = paths.setdefault("calibration", paths["onnx"].with_suffix(".calib.npz"))
        if not calibration.is_file():
            raise InputError(
                f"{sweep_path}: model {model.name}: no calibration windows: {calibration} does not exist",
                hint="give them as calibration; see docs/windows.md",
            )
        paths.setdefault("data", calibration)
    return model.model_copy(update=paths)
