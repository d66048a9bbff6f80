"""Why the generated code is what it is: the choices behind every operator, as data.

Predictions are those that the choice of kernels was made with; a bench measures what it really costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.compile.choose import Candidate, Choice, code_bytes_of
from ppg_deploy.compile.lower import Program
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.operator import CompiledOperator
from ppg_deploy.compile.pieces.schedule import Schedule
from ppg_deploy.compile.requantize import proven_channels
from ppg_deploy.compile.steps import Step, WeightedStep
from ppg_deploy.graph import DType


@dataclass(frozen=True)
class Alternative:
    """A kernel that could have computed an operator in one piece.

    `code_bytes` is the kernel's machine code, paid once per model, and `price` is everything but that in cycles.
    """

    kernel: str
    predicted_cycles: int
    constant_bytes: int
    code_bytes: int
    price: float


@dataclass(frozen=True)
class Proof:
    """What is known for certain about the channels of an operator, for all inputs.

    `lowest` and `highest` bound the accumulators that are reachable. A dead channel gives one and the same code; of
    these, `removed_channels` were taken out of the program and are counted nowhere else.
    """

    channels: int
    dead_channels: int
    removed_channels: int
    lowest: int
    highest: int
    short_requantization: bool


@dataclass(frozen=True)
class Decision:
    """What became of one operator, and why.

    `alternatives` starts with the chosen one. `predicted_cycles` are those of all pieces.
    """

    operator: CompiledOperator
    why: str
    alternatives: tuple[Alternative, ...]
    predicted_cycles: int
    proof: Proof | None


@dataclass(frozen=True)
class Decisions:
    """All operators in order, and the model as a whole. Sizes in bytes; `code_bytes` is a prediction, too."""

    optimize: Optimize
    cycles_per_byte: float
    operators: tuple[Decision, ...]
    macs: int
    predicted_cycles: int
    arena_bytes: int
    constant_bytes: int
    code_bytes: int


def explain(
    program: Program,
    choices: Sequence[Choice],
    schedule: Schedule,
    operators: Sequence[CompiledOperator],
    optimize: Optimize,
    removed_channels: Mapping[str, int],
) -> Decisions:
    """The decisions behind a compiled model.

    Args:
        program: of whole steps, one per operator.
        choices: for each of these.
        schedule: of the pieces.
        operators: what became of each.
        optimize: the objective.
        removed_channels: by the storage that had them.
    """
    cycles = _predicted_cycles(schedule, len(operators))
    decisions = tuple(
        Decision(
            operator=operator,
            why=_why(choice, optimize),
            alternatives=tuple(
                _alternative(candidate, optimize) for candidate in (choice.chosen, *choice.others)
            ),
            predicted_cycles=cycles[operator.index],
            proof=_proof(step, removed_channels.get(step.output, 0)),
        )
        for operator, step, choice in zip(operators, program.steps, choices, strict=True)
    )
    return Decisions(
        optimize=optimize,
        cycles_per_byte=optimize.cycles_per_byte,
        operators=decisions,
        macs=sum(operator.macs for operator in operators),
        predicted_cycles=sum(cycles),
        arena_bytes=schedule.plan.arena_bytes,
        constant_bytes=sum(operator.constant_bytes for operator in operators),
        code_bytes=code_bytes_of(schedule.kernels),
    )


def decisions_json(decisions: Decisions) -> bytes:
    """The contents of explain.json."""
    from pydantic import TypeAdapter

    return TypeAdapter(Decisions).dump_json(decisions, indent=2) + b"\n"


def _predicted_cycles(schedule: Schedule, operators: int) -> list[int]:
    cycles = [0] * operators
    program = schedule.program
    for step, kernel, operator in zip(program.steps, schedule.kernels, program.operator_of, strict=True):
        cycles[operator] += kernel.predicted_cycles(step)
    return cycles


def _alternative(candidate: Candidate, optimize: Optimize) -> Alternative:
    return Alternative(
        kernel=candidate.kernel.name,
        predicted_cycles=candidate.predicted_cycles,
        constant_bytes=candidate.constant_bytes,
        code_bytes=candidate.kernel.code_bytes,
        price=candidate.price(optimize),
    )


def _why(choice: Choice, optimize: Optimize) -> str:
    if not choice.others:
        return "the only kernel that computes this exactly"
    price = choice.chosen.price(optimize)
    cheaper = [other.kernel.name for other in choice.others if other.price(optimize) < price]
    if cheaper:
        return f"{', '.join(cheaper)} would not earn its machine code"
    if choice.chosen.predicted_cycles <= min(other.predicted_cycles for other in choice.others):
        return "fewest cycles"
    return f"a faster one would cost a byte of flash per {optimize.cycles_per_byte:g} cycles or less that it saves"


def _proof(step: Step, removed_channels: int) -> Proof | None:
    """None where nothing is requantised per channel, and for int16 codes, whose proofs are of another form."""
    if not isinstance(step, WeightedStep) or step.codes is not DType.INT8:
        return None
    channels = proven_channels(step)
    return Proof(
        channels=len(step.weights),
        dead_channels=channels.dead,
        removed_channels=removed_channels,
        lowest=channels.lowest,
        highest=channels.highest,
        short_requantization=channels.short,
    )
