"""The points of a sweep file: every combination once, each with its identity."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ppg_deploy import handover
from ppg_deploy.boards import Board, list_boards, load_board
from ppg_deploy.errors import InputError
from ppg_deploy.matrix.identity import board_identity, hash_of, model_identity, tree_sha256
from ppg_deploy.matrix.job import PointJob, QuantizeJob
from ppg_deploy.matrix.sweep_file import ModelEntry, Optimize, Runtime, SweepFile

_SHORT = 12
"""Digits of an identity in the name of a folder."""


@dataclass(frozen=True)
class ModelStep:
    """A model and where its quantised form lies or will lie."""

    entry: ModelEntry
    identity: str
    folder: Path

    @property
    def job(self) -> QuantizeJob | None:
        """How to make it; None for a .tflite, which is taken as it is."""
        return None if self.entry.onnx is None else QuantizeJob(model=self.entry)


@dataclass(frozen=True)
class Point:
    """One combination.

    Attributes:
        identity: hash of everything that its figures depend on.
        folder: where it is done.
        optimize: None for the runtime tflm, to which `hop` and `ram_budget` do not apply either.
    """

    model: ModelStep
    board: str
    runtime: Runtime
    optimize: Optimize | None
    hop: int | Literal["auto"] | None
    ram_budget: int | None
    identity: str
    folder: Path
    job: PointJob


def points_of(sweep: SweepFile, folder: Path, tflm_dir: Path | None) -> tuple[Point, ...]:
    """All points of `sweep`, in the order of the file: models, boards, runtimes, then the rest.

    Args:
        sweep: as loaded.
        folder: of the whole sweep.
        tflm_dir: tree of TFLM's sources, for the runtime tflm.

    Raises:
        InputError: an unknown board, one that the emulator has no model of, or a board or model twice.
    """
    ports = _ports(sweep)
    boards = _boards(sweep, ports)
    board_ids = {board.id: board_identity(board, sweep.boards_dirs) for board in boards}
    steps = [_step(model, folder) for model in sweep.model]
    for index, step in enumerate(steps):
        twin = next((other for other in steps[:index] if other.identity == step.identity), None)
        if twin is not None:
            raise InputError(
                f"sweep {sweep.name}: models {twin.entry.name} and {step.entry.name} are the same",
                hint="their files and options are equal: leave one out",
            )
    return tuple(
        _point(sweep, folder, step, board, board_ids[board.id], variant, tflm_dir, ports.get(board.id))
        for step in steps
        for board in boards
        for variant in _variants(sweep)
    )


@dataclass(frozen=True)
class _Variant:
    runtime: Runtime
    optimize: Optimize | None = None
    hop: int | Literal["auto"] | None = None
    ram_budget: int | None = None

    @property
    def label(self) -> str:
        parts = [self.runtime, self.optimize, f"hop-{self.hop}" if self.hop else None]
        parts.append(f"ram-{self.ram_budget}" if self.ram_budget else None)
        return "-".join(part for part in parts if part)


def _variants(sweep: SweepFile) -> Iterator[_Variant]:
    matrix = sweep.matrix
    for runtime in matrix.runtimes:
        if runtime == "tflm":
            yield _Variant("tflm")
            continue
        for optimize, hop, budget in itertools.product(matrix.optimize, matrix.hop, matrix.ram_budget):
            yield _Variant(
                "aot", optimize, None if hop == "none" else hop, None if budget == "none" else budget
            )


def _ports(sweep: SweepFile) -> dict[str, str]:
    """Id of a board -> its port."""
    return {
        load_board(name, boards_dirs=sweep.boards_dirs).id: port for name, port in sweep.bench.ports.items()
    }


def _boards(sweep: SweepFile, ports: Mapping[str, str]) -> tuple[Board, ...]:
    boards = tuple(load_board(name, boards_dirs=sweep.boards_dirs) for name in sweep.matrix.boards)
    emulator = sweep.bench.emulator
    unknown = sorted(set(ports) - {board.id for board in boards})
    if unknown:
        raise InputError(
            f"sweep {sweep.name}: bench.ports: {unknown[0]} is not among matrix.boards",
            hint="add it there, or leave its port out",
        )
    for index, board in enumerate(boards):
        if board in boards[:index]:
            raise InputError(
                f"sweep {sweep.name}: matrix.boards: {board.id} stands twice",
                hint="leave one of its names out",
            )
        if board.id not in ports and getattr(board.emulators, emulator) is None:
            able = [
                known.id
                for known in list_boards(boards_dirs=sweep.boards_dirs)
                if getattr(known.emulators, emulator) is not None
            ]
            raise InputError(
                f"sweep {sweep.name}: {emulator} has no model of board {board.id}",
                hint=f"take boards that it models ({', '.join(able)}), or another emulator",
            )
    return boards


def _step(model: ModelEntry, folder: Path) -> ModelStep:
    identity = model_identity(model)
    return ModelStep(model, identity, folder / "models" / f"{model.name}-{identity[:_SHORT]}")


def _point(
    sweep: SweepFile,
    folder: Path,
    step: ModelStep,
    board: Board,
    board_id: str,
    variant: _Variant,
    tflm_dir: Path | None,
    port: str | None,
) -> Point:
    entry, bench = step.entry, sweep.bench
    assert entry.data is not None
    needed_tree = tflm_dir if variant.runtime == "tflm" else None
    job = PointJob(
        tflite=entry.tflite if entry.tflite is not None else step.folder / handover.MODEL_NAME,
        quantize_json=None if entry.onnx is None else step.folder / handover.FILE_NAME,
        source=entry.onnx,
        data=entry.data,
        board=board.id,
        boards_dirs=sweep.boards_dirs,
        runtime=variant.runtime,
        optimize=variant.optimize,
        hop=variant.hop,
        ram_budget=variant.ram_budget,
        tflm_dir=needed_tree,
        emulator=bench.emulator if port is None else None,
        port=port,
        count=bench.count,
        timing_model=bench.timing_model if port is None else None,
    )
    settings = job.model_dump(
        mode="json", exclude={"tflite", "quantize_json", "source", "data", "boards_dirs", "tflm_dir", "port"}
    )
    identity = hash_of(
        {
            "model": step.identity,
            "board": board_id,
            "tflm": None if needed_tree is None else tree_sha256(needed_tree),
            "settings": settings,
        }
    )
    name = f"{entry.name}-{board.id}-{variant.label}-{identity[:_SHORT]}"
    return Point(
        model=step,
        board=board.id,
        runtime=variant.runtime,
        optimize=variant.optimize,
        hop=variant.hop,
        ram_budget=variant.ram_budget,
        identity=identity,
        folder=folder / "points" / name,
        job=job,
    )
