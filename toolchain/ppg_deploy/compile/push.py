"""What ppg_model_push does for each answer, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.compile.pieces.schedule import Schedule
from ppg_deploy.compile.pieces.sliding import SlidingProgram
from ppg_deploy.compile.steps import Step

STREAM = "STREAM"
"""Kind of what every push begins with: the window and the kept tensors move, the new samples are appended."""


@dataclass(frozen=True)
class PushOperator:
    """One operator's share: the functions ppg_model_push_op_NNN, or, of several, ppg_model_push_op_NNN_piece_MMM.

    `index` is that of the operator in a whole inference; the stream's own comes after the last one. `macs` are
    computed per answer, in `pieces` calls.
    """

    index: int
    kind: str
    name: str
    kernel: str
    pieces: int
    macs: int


@dataclass(frozen=True)
class PushFacts:
    """What ppg_model_push does for each answer.

    `hop` new samples per channel, `sample_bytes` in all, are pushed into a window of `window` rows, columns and
    channels, columns being time; `kept` are the bytes of the window and of the
    tensors that stay in the arena between answers, by name. `macs` are computed per answer, about
    `predicted_cycles`.
    """

    hop: int
    window: tuple[int, int, int]
    sample_bytes: int
    kept_bytes: int
    kept: Mapping[str, int]
    macs: int
    predicted_cycles: int
    operators: tuple[PushOperator, ...]


def push_facts(sliding: SlidingProgram, schedule: Schedule, whole: Sequence[Step]) -> PushFacts:
    """The facts of a scheduled program.

    Args:
        sliding: what a push computes.
        schedule: of `sliding.program`.
        whole: the steps of an inference, by operator.
    """
    return PushFacts(
        hop=sliding.hop,
        window=(sliding.window.rows, sliding.window.columns, sliding.window.channels),
        sample_bytes=sliding.sample_bytes,
        kept_bytes=sum(sliding.kept.values()),
        kept=dict(sliding.kept),
        macs=sliding.macs,
        predicted_cycles=sum(
            kernel.predicted_cycles(step)
            for step, kernel in zip(schedule.program.steps, schedule.kernels, strict=True)
        ),
        operators=tuple(
            _operator(operator, schedule, whole) for operator in sorted(set(schedule.program.operator_of))
        ),
    )


def _operator(operator: int, schedule: Schedule, whole: Sequence[Step]) -> PushOperator:
    program = schedule.program
    pieces = program.pieces_of(operator)
    is_stream = operator == len(whole)
    return PushOperator(
        index=operator,
        kind=STREAM if is_stream else whole[operator].kind,
        name=program.input if is_stream else whole[operator].name,
        kernel=" + ".join(sorted({schedule.kernels[number].name for number in pieces})),
        pieces=len(pieces),
        macs=sum(program.steps[number].macs for number in pieces),
    )
