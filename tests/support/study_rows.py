"""Rows of a study that nobody trained."""

from collections.abc import Mapping

from models.study.costs import Cost
from models.study.table import SCRATCH, StudyRow


def study_row(
    student: str = "pulse",
    strategy: str = SCRATCH,
    *,
    teacher: str | None = None,
    split: str = "a",
    seed: int = 1,
    parameters: int = 27_241,
    mae_float: float = 5.0,
    mae_int8: float = 5.0,
    mae_by_subject: Mapping[str, float] | None = None,
    folder: str | None = None,
) -> StudyRow:
    """A row; a strategy other than scratch has the teacher "big"."""
    taught = "big" if strategy != SCRATCH and teacher is None else teacher
    return StudyRow(
        student=student,
        teacher=taught,
        strategy=strategy,
        split=split,
        seed=seed,
        parameters=parameters,
        macs=None,
        windows=100,
        mae_float=mae_float,
        mae_int8=mae_int8,
        mae_constant=20.0,
        model_bytes=40_000,
        best_epoch=3,
        epochs=5,
        mae_by_subject=mae_by_subject or {},
        folder=folder or f"{student}/{strategy}/{split}-{seed}",
    )


def study_cost(student: str, cycles: float, *, board: str = "nucleo-l476rg") -> Cost:
    """What a network costs on a board."""
    return Cost(
        student,
        board,
        "balanced",
        instructions=0.9 * cycles,
        cycles_estimated=cycles,
        timing_model="cortex-m4-zero-wait-state-v1",
        ram=13_752,
        ram_limit=98_304,
        flash=72_484,
        flash_limit=1_048_576,
        energy_estimated_uj=cycles * 4.2075e-4,
        energy_assumptions=("10.2 mA at 3.3 V and 80 MHz", "no energy is spent between inferences"),
    )
