"""What each network of a study costs on a board: one delivered student a network goes through `ppg-deploy sweep`.

One is enough, nearly. Three PULSE students with weights and ranges of their own, all with the demo's card and windows
(nucleo-l476rg, balanced):

    models/pulse-demo               2,806,594 instructions  3,257,641 cycles_estimated  72,484 B flash  13,752 B RAM
    ../shared/students/pulse_dev    2,806,594               3,257,641                   72,484          13,752
    ../shared/students/pulse_s6     2,755,214               3,196,101                   69,628          13,624

What differs, 2 % in cycles and 4 % in flash, are channels that training left dead: the compiler leaves them out
(ppg_deploy/compile/prune.py). Students that were trained badly may have more of them and look cheaper than they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from models.study.table import StudyRow
from ppg_deploy.api import sweep_matrix
from ppg_deploy.boards import load_board
from ppg_deploy.energy.schema import EnergyEstimated
from ppg_deploy.errors import InputError
from ppg_deploy.files import write_text_if_changed
from ppg_deploy.matrix.schema import PointRow
from ppg_deploy.matrix.sweep_file import Optimize, require_distinct
from ppg_deploy.results import load_result

SWEEP_FILE = "costs.toml"
SWEEP_NAME = "students"
COSTS_FOLDER = "costs"
# As models/distil/deliver.py names them; not imported from there, since it needs torch.
_MODEL, _TEST = "student.onnx", "test.npz"
_NEEDED = (_MODEL, "student.toml", "student.calib.npz", _TEST)


class CostSettings(BaseModel):
    """[costs] of a study file.

    Attributes:
        boards: ids or aliases.
        optimize: levels of the ahead-of-time compiler.
        count: windows that are run on each point.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    boards: tuple[str, ...] = Field(default=("nucleo-l476rg",), min_length=1)
    optimize: tuple[Optimize, ...] = Field(default=("balanced",), min_length=1)
    count: PositiveInt = 4

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        require_distinct(self.boards, "boards")
        require_distinct(self.optimize, "optimize")
        return self


@dataclass(frozen=True)
class Cost:
    """One network on one board at one optimisation level: figures, or the reason why there are none.

    Attributes:
        student: network.
        board: id.
        optimize: level.
        instructions: of one answer, exact, median over the windows.
        cycles_estimated: of one answer, after `timing_model`, median over the windows.
        ram: bytes, static and the stack's high water.
        flash: bytes.
        energy_estimated_uj: of one answer in microjoule; computed, never measured. None: the board has no basis for it.
        energy_assumptions: what has to be true for that.
        error: None where the point went well.
    """

    student: str
    board: str
    optimize: str
    instructions: float | None = None
    cycles_estimated: float | None = None
    timing_model: str | None = None
    ram: int | None = None
    ram_limit: int | None = None
    flash: int | None = None
    flash_limit: int | None = None
    energy_estimated_uj: float | None = None
    energy_assumptions: tuple[str, ...] = ()
    error: str | None = None


def check_boards(settings: CostSettings) -> None:
    """A wrong name is better found before the first training than after the last.

    Raises:
        InputError: an unknown board, one that unicorn has no model of, or the same one twice.
    """
    names: dict[str, str] = {}
    for name in settings.boards:
        try:
            board = load_board(name)
        except InputError as error:
            error.restate(f"costs.boards: {error.message}", hint="choose one of them")
            raise
        if board.emulators.unicorn is None:
            raise InputError(
                f"costs.boards: unicorn has no model of board {board.id}",
                hint="take one that it models; `ppg-deploy boards list` names them",
            )
        if names.setdefault(board.id, name) != name:
            raise InputError(
                f"costs.boards: {names[board.id]} and {name} are both {board.id}", hint="leave one out"
            )


def measure_costs(
    rows: Sequence[StudyRow],
    folder: Path,
    settings: CostSettings,
    *,
    jobs: int | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Cost, ...]:
    """Write `folder`/costs.toml, run it, and return each network x board x level, in the order of the rows.

    What an earlier call finished is not run again. A point that failed is in the result with its reason.

    Args:
        rows: of the study; the first row of each network whose files are there is measured.
        folder: of the study, to which `StudyRow.folder` is relative.
        settings: boards, levels, windows.
        jobs: processes at a time; one for each core by default.
        say: called with a line about each model and point that ends.

    Raises:
        InputError: an unknown board, or one that unicorn has no model of.
        EnvironmentProblem: the folder cannot be written, or another process measures the same study.
    """
    measured: dict[str, str] = {}
    for row in rows:
        if all((folder / row.folder / name).is_file() for name in _NEEDED):
            measured.setdefault(row.student, row.folder)
    points: dict[str, list[Cost]] = {}
    if measured:
        path = folder / SWEEP_FILE
        write_text_if_changed(path, _sweep_text(measured, settings))
        report = sweep_matrix(path, out=folder / COSTS_FOLDER, jobs=jobs, say=say)
        place = folder / COSTS_FOLDER / "sweep" / SWEEP_NAME
        for point in report.points:
            points.setdefault(point.model, []).append(_cost_of(point, place))
    costs: list[Cost] = []
    for student in dict.fromkeys(row.student for row in rows):
        costs += points.get(student) or _nothing_delivered(student, settings)
    return tuple(costs)


def _sweep_text(measured: dict[str, str], settings: CostSettings) -> str:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    models = [
        {"name": student, "onnx": f"{folder}/{_MODEL}", "data": f"{folder}/{_TEST}"}
        for student, folder in measured.items()
    ]
    return environment.get_template("costs.toml.j2").render(
        name=SWEEP_NAME, models=models, settings=settings.model_dump(mode="json")
    )


def _cost_of(point: PointRow, folder: Path) -> Cost:
    optimize = point.optimize or point.runtime
    if point.figures is None or point.result is None:
        reason = "no figures" if point.error is None else f"{point.error.kind}: {point.error.message}"
        return Cost(point.model, point.board, optimize, error=reason)
    figures = point.figures
    energy = load_result(folder / point.result).report.energy_estimated
    return Cost(
        point.model,
        point.board,
        optimize,
        instructions=figures.instructions,
        cycles_estimated=figures.cycles_estimated,
        timing_model=figures.timing_model,
        ram=figures.ram,
        ram_limit=figures.ram_limit,
        flash=figures.flash,
        flash_limit=figures.flash_limit,
        energy_estimated_uj=figures.energy_estimated_uj,
        energy_assumptions=() if energy is None else _assumptions(energy),
    )


def _assumptions(energy: EnergyEstimated) -> tuple[str, ...]:
    verified = "verified" if energy.current_verified else "not verified"
    basis = (
        f"{energy.run_current_a * 1000:g} mA at {energy.supply_v:g} V and {energy.clock_hz / 1e6:g} MHz "
        f"({energy.current_conditions}; {energy.current_source}, {verified})"
    )
    return (basis, *energy.assumptions)


def _nothing_delivered(student: str, settings: CostSettings) -> list[Cost]:
    reason = f"no folder of the study holds {', '.join(_NEEDED)} of this network"
    return [
        Cost(student, board, optimize, error=reason)
        for board in settings.boards
        for optimize in settings.optimize
    ]
