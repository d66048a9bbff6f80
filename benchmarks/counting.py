"""Builds one model in one mode and counts its inferences under unicorn."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.models import Model, write_windows
from ppg_deploy import api
from ppg_deploy.building.size import KERNELS, MODEL_CODE
from ppg_deploy.errors import PpgDeployError
from ppg_deploy.report import Report

Mode = Literal["speed", "balanced", "size"]
MODES: tuple[Mode, ...] = ("speed", "balanced", "size")
BOARD = "nucleo-l476rg"
WINDOWS = 4
CORE_MODEL = "cortex-m4-zero-wait-state-v1"
CALIBRATED_MODEL = "stm32l4r5-120mhz-v1"
# What the model costs in flash besides its constants; the rest of an image is the application around it.
_CODE_PARTS = (MODEL_CODE, KERNELS)


@dataclass(frozen=True)
class Row:
    """Figures of one model in one mode. Cycles are estimates; bytes but for `mismatched`, which counts windows."""

    macs: int
    instructions: int
    cycles_estimated: int
    cycles_predicted: int
    arena: int
    stack: int
    image: int
    constants: int
    code: int
    mismatched: int
    windows: int
    versions: dict[str, str]


def count(model: Model, mode: Mode) -> Row | str:
    """The figures, or why there are none: a model may be too large for the board in one mode and not in another."""
    with tempfile.TemporaryDirectory(prefix="ppg-bench-") as temporary:
        try:
            return _count(model, mode, Path(temporary))
        except PpgDeployError as error:
            return error.message


def _count(model: Model, mode: Mode, folder: Path) -> Row:
    tflite = model.write(folder)
    # Not the folder of the model's quantize.json: windows are given as input of the .tflite, without normalisation.
    out = folder / "built"
    several, one = folder / "several.npz", folder / "one.npz"
    write_windows(tflite, WINDOWS, several)
    write_windows(tflite, 1, one)
    api.build(board=BOARD, out=out, model=tflite, optimize=mode)
    report = api.bench(out=out, emulator="unicorn", data=several, count=WINDOWS, timing_model=CORE_MODEL)
    predicted = api.bench(out=out, emulator="unicorn", data=one, count=1, timing_model=CALIBRATED_MODEL)
    return _row(report, predicted)


def _row(report: Report, predicted: Report) -> Row:
    cost, memory = report.cost, report.memory
    assert cost.instructions is not None
    assert cost.cycles_estimated is not None
    assert predicted.cost.cycles_estimated is not None
    return Row(
        macs=report.model.macs,
        instructions=round(cost.instructions.median),
        cycles_estimated=round(cost.cycles_estimated.median),
        cycles_predicted=round(predicted.cost.cycles_estimated.median),
        arena=memory.arena,
        stack=memory.stack_high_water,
        image=memory.flash,
        constants=memory.flash_constants,
        code=sum(part.flash for part in memory.by_part if part.name in _CODE_PARTS),
        mismatched=report.outputs.mismatched,
        windows=report.outputs.compared,
        versions={
            **report.tool_versions,
            "compiler": report.firmware.compiler,
            "golden": report.outputs.golden,
        },
    )
