"""Why the generated code is what it is: the choices behind every step, as data.

Predictions are those that the choice of kernels was made with; a bench measures what it really costs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.compile.choose import Candidate, Choice, code_bytes_of
from ppg_deploy.compile.kernels import Kernel
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.pieces.schedule import Schedule
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.push import PushFacts
from ppg_deploy.compile.requantize import Channels, proven_channels
from ppg_deploy.compile.sharing import SharedConstants
from ppg_deploy.compile.steps import Step, WeightedStep
from ppg_deploy.graph import DType


@dataclass(frozen=True)
class Alternative:
    """A kernel that could have computed a step.

    `predicted_cycles` and `constant_bytes` are those of the operator in one piece; `code_bytes` is the kernel's
    machine code, paid once per model, and `price` is everything but that in cycles.
    """

    kernel: str
    predicted_cycles: int
    constant_bytes: int
    code_bytes: int
    price: float


@dataclass(frozen=True)
class Proof:
    """What is known for certain about the channels of a step, for all inputs.

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
    """One operator: the functions ppg_model_op_<index> of the generated C. Sizes in bytes.

    `pieces` compute it part by part, and `computed_macs` counts what several of them compute. `constant_bytes` are
    those that no earlier operator brought along, `scratch_bytes` the most that a piece needs. `alternatives` starts
    with the chosen one.
    """

    index: int
    kind: str
    name: str
    graph_operators: tuple[int, ...]
    pieces: int
    kernel: str
    why: str
    alternatives: tuple[Alternative, ...]
    macs: int
    computed_macs: int
    predicted_cycles: int
    constant_bytes: int
    output_bytes: int
    output_in_arena: bool
    scratch_bytes: int
    in_place: bool
    proof: Proof | None


@dataclass(frozen=True)
class Decisions:
    """All steps in order, and the model as a whole. Sizes in bytes; `code_bytes` is a prediction, too.

    `push` describes the sliding windows, whose further constants and code `constant_bytes` and `code_bytes` contain.
    """

    optimize: Optimize
    cycles_per_byte: float
    steps: tuple[Decision, ...]
    macs: int
    predicted_cycles: int
    arena_bytes: int
    constant_bytes: int
    code_bytes: int
    push: PushFacts | None


def explain(
    whole: Program,
    choices: Sequence[Choice],
    schedule: Schedule,
    shared: SharedConstants,
    optimize: Optimize,
    cycles_per_byte: float,
    removed_channels: Mapping[str, int],
    *,
    kernels: Iterable[Kernel],
    arena_bytes: int,
    push: PushFacts | None,
) -> Decisions:
    """The decisions behind a compiled model.

    Args:
        whole: the program before it was cut into pieces.
        choices: of the kernels of its steps.
        schedule: the program that runs.
        shared: constants of the schedule's steps.
        optimize: what the choice was made for.
        cycles_per_byte: the price of flash that it was made with.
        removed_channels: dead channels that were taken out, by the storage that had them.
        kernels: of the model, with its sliding windows.
        arena_bytes: of the model, with its sliding windows.
        push: facts of the sliding windows.
    """
    steps = tuple(
        _decision(operator, step, choice, schedule, shared, cycles_per_byte, removed_channels)
        for operator, (step, choice) in enumerate(zip(whole.steps, choices, strict=True))
    )
    return Decisions(
        optimize=optimize,
        cycles_per_byte=cycles_per_byte,
        steps=steps,
        macs=sum(step.macs for step in steps),
        predicted_cycles=sum(step.predicted_cycles for step in steps),
        arena_bytes=arena_bytes,
        constant_bytes=shared.total_bytes,
        code_bytes=code_bytes_of(kernels),
        push=push,
    )


def decisions_json(decisions: Decisions) -> bytes:
    """The contents of explain.json."""
    from pydantic import TypeAdapter

    return TypeAdapter(Decisions).dump_json(decisions, indent=2) + b"\n"


def _decision(
    operator: int,
    step: Step,
    choice: Choice,
    schedule: Schedule,
    shared: SharedConstants,
    cycles_per_byte: float,
    removed_channels: Mapping[str, int],
) -> Decision:
    program, plan = schedule.program, schedule.plan
    pieces = program.pieces_of(operator)
    return Decision(
        index=operator,
        kind=step.kind,
        name=step.name,
        graph_operators=step.operators,
        pieces=len(pieces),
        kernel=choice.kernel.name,
        why=_why(choice, cycles_per_byte),
        alternatives=tuple(
            _alternative(candidate, cycles_per_byte) for candidate in (choice.chosen, *choice.others)
        ),
        macs=step.macs,
        computed_macs=sum(program.steps[number].macs for number in pieces),
        predicted_cycles=sum(
            schedule.kernels[number].predicted_cycles(program.steps[number]) for number in pieces
        ),
        constant_bytes=sum(shared.added_bytes(number) for number in pieces),
        output_bytes=step.output_bytes,
        output_in_arena=any(
            program.origin(program.steps[number].output) in plan.storage for number in pieces
        ),
        scratch_bytes=max(plan.scratch_bytes[number] for number in pieces),
        in_place=any(number in plan.in_place for number in pieces),
        proof=_proof(step, removed_channels.get(step.output, 0)),
    )


def _alternative(candidate: Candidate, cycles_per_byte: float) -> Alternative:
    return Alternative(
        kernel=candidate.kernel.name,
        predicted_cycles=candidate.predicted_cycles,
        constant_bytes=candidate.constant_bytes,
        code_bytes=candidate.kernel.code_bytes,
        price=candidate.price(cycles_per_byte),
    )


def _why(choice: Choice, cycles_per_byte: float) -> str:
    if not choice.others:
        return "the only kernel that computes this exactly"
    price = choice.chosen.price(cycles_per_byte)
    cheaper = [other.kernel.name for other in choice.others if other.price(cycles_per_byte) < price]
    if cheaper:
        return f"{', '.join(cheaper)} would not earn its machine code"
    if choice.chosen.predicted_cycles <= min(other.predicted_cycles for other in choice.others):
        return "fewest cycles"
    return f"a byte of flash has to save {cycles_per_byte:g} cycles, which no faster one does"


def _proof(step: Step, removed_channels: int) -> Proof | None:
    """None where nothing is requantised per channel, and for int16 codes, whose proofs are of another form."""
    if not isinstance(step, WeightedStep) or step.codes is not DType.INT8:
        return None
    channels: Channels = proven_channels(step)
    return Proof(
        channels=len(step.weights),
        dead_channels=channels.dead,
        removed_channels=removed_channels,
        lowest=channels.lowest,
        highest=channels.highest,
        short_requantization=channels.short,
    )
