"""sweep.json of a sweep, and point.json, which remembers a point for the next sweep."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from ppg_deploy.handover import NamedFile, Verdict
from ppg_deploy.matrix.job import ErrorFacts, Outcome
from ppg_deploy.matrix.sweep_file import Optimize, Runtime

_STRICT = ConfigDict(extra="forbid", frozen=True)

Engine = Literal["local", "dask"]
Axis = Literal["instructions", "cycles_estimated", "latency_ms", "energy_estimated_uj", "flash", "ram"]
AccuracyAxis = Literal["mae_int8", "mean_abs_difference"]


class Figures(BaseModel):
    """One point in numbers; null where the result has none. Errors in BPM, memory in bytes.

    `mae_*` need labels; `mae_int8` is also that of the device, whose bytes are equal. `mean_abs_difference` is
    mean |int8 - float| over the same windows, as `quantize` reports it, in BPM or in the unit of the output.
    Costs are medians of one answer: of a whole window, or of a push of `hop` samples. `instructions` are exact counts,
    `cycles_estimated` come from `timing_model`, `latency_ms` is measured and absent under emulators,
    `energy_estimated_uj` (microjoule) is computed and never measured. `ram` is `ram_static` and the stack's high water.
    """

    model_config = _STRICT
    windows: int
    data_sha256: str
    mae_float: float | None
    mae_int8: float | None
    mae_float_filtered: float | None
    mae_int8_filtered: float | None
    mean_abs_difference: float | None
    gate: Verdict | None
    instructions: float | None
    cycles_estimated: float | None
    timing_model: str | None
    latency_ms: float | None
    energy_estimated_uj: float | None
    flash: int
    flash_limit: int
    ram: int
    ram_limit: int
    arena: int


class PointRow(BaseModel):
    """One point. `result` is its results folder, relative to that of sweep.json; null when it failed before."""

    model_config = _STRICT
    id: str
    model: str
    board: str
    runtime: Runtime
    optimize: Optimize | None
    hop: int | Literal["auto"] | None
    ram_budget: int | None
    status: Literal["done", "failed"]
    error: ErrorFacts | None
    folder: str
    result: str | None
    wall_s: float
    figures: Figures | None


class Front(BaseModel):
    """Points (by id) that no other one of the same `group` beats in both accuracy and cost.

    Accuracies are compared on the same windows only, and `cycles_estimated` of the same timing model only: `group`
    names them.
    """

    model_config = _STRICT
    accuracy: AccuracyAxis
    cost: Axis
    group: str
    points: tuple[str, ...]


class MatrixReport(BaseModel):
    """The whole file. Every point of the sweep file stands in `points` once, in its order."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    name: str
    created: str
    sweep_file: NamedFile
    engine: Engine
    emulator: str
    taken_over: int
    """Points that an earlier sweep had finished, and that were not run again."""
    points: tuple[PointRow, ...]
    accuracy: AccuracyAxis | None
    """What the fronts compare; null when no point has an accuracy."""
    fronts: tuple[Front, ...]
    plots: tuple[str, ...]
    warnings: tuple[str, ...]
    tool_versions: dict[str, str]

    @property
    def failed(self) -> tuple[PointRow, ...]:
        """Points without figures."""
        return tuple(point for point in self.points if point.status == "failed")


class PointRecord(BaseModel):
    """point.json or model.json: how the point or the model of this identity ended."""

    model_config = _STRICT
    schema_version: Literal[1] = 1
    identity: str
    outcome: Outcome
