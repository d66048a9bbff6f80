"""Builds one model in one mode and counts its inferences under unicorn."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.models import Model, write_windows
from ppg_deploy import api
from ppg_deploy.build.size import KERNELS, MODEL_CODE
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


def count_modes(model: Model, modes: tuple[Mode, ...]) -> dict[Mode, Row]:
    """A row for each mode; the model is made once."""
    with tempfile.TemporaryDirectory(prefix="ppg-bench-") as temporary:
        folder = Path(temporary)
        tflite = model.write(folder)
        data, one = folder / "several.npz", folder / "one.npz"
        write_windows(tflite, WINDOWS, data)
        write_windows(tflite, 1, one)
        return {mode: _count(tflite, mode, data, one, folder / mode) for mode in modes}


def _count(tflite: Path, mode: Mode, data: Path, one: Path, out: Path) -> Row:
    api.build(board=BOARD, out=out, model=tflite, optimize=mode)
    report = api.bench(out=out, emulator="unicorn", data=data, count=WINDOWS, timing_model=CORE_MODEL)
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
