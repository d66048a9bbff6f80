"""Why the generated code is what it is: the choices behind every step, as data.

Predictions are those that the choice of kernels was made with; a bench measures what it really costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ppg_deploy.compile.choose import Candidate, Choice
from ppg_deploy.compile.lower import Program
from ppg_deploy.compile.memory import MemoryPlan
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.requantize import Channels, proven_channels
from ppg_deploy.compile.sharing import SharedConstants
from ppg_deploy.compile.steps import Step, WeightedStep
from ppg_deploy.graph import DType


@dataclass(frozen=True)
class Alternative:
    """A kernel that could have computed a step.

    `predicted_cycles` and `constant_bytes` are those of the whole operator when the step is one of its pieces;
    `code_bytes` is the kernel's machine code, paid once per model, and `price` is everything but that in cycles.
    """

    kernel: str
    predicted_cycles: int
    constant_bytes: int
    code_bytes: int
    price: float


@dataclass(frozen=True)
class Proof:
    """What is known for certain about the channels of a step, for all inputs.

    `lowest` and `highest` bound the accumulators that are reachable; a dead channel gives one and the same code.
    """

    channels: int
    dead_channels: int
    lowest: int
    highest: int
    short_requantization: bool


@dataclass(frozen=True)
class Decision:
    """One step: function ppg_model_op_<index> of the generated C. Sizes in bytes.

    `piece` is (number, count) of the steps that compute the same graph operators. `constant_bytes` are those that no
    earlier step brought along. `alternatives` starts with the chosen one.
    """

    index: int
    kind: str
    name: str
    graph_operators: tuple[int, ...]
    piece: tuple[int, int]
    kernel: str
    why: str
    alternatives: tuple[Alternative, ...]
    macs: int
    predicted_cycles: int
    constant_bytes: int
    output_bytes: int
    output_in_arena: bool
    scratch_bytes: int
    in_place: bool
    proof: Proof | None


@dataclass(frozen=True)
class Decisions:
    """All steps in order, and the model as a whole. Sizes in bytes; `code_bytes` is a prediction, too."""

    optimize: Optimize
    cycles_per_byte: float
    steps: tuple[Decision, ...]
    macs: int
    predicted_cycles: int
    arena_bytes: int
    constant_bytes: int
    code_bytes: int


def explain(
    program: Program,
    choices: Sequence[Choice],
    plan: MemoryPlan,
    shared: SharedConstants,
    optimize: Optimize,
) -> Decisions:
    """The decisions behind a compiled model."""
    steps = tuple(
        _decision(number, step, choice, plan, shared, optimize)
        for number, (step, choice) in enumerate(zip(program.steps, choices, strict=True))
    )
    return Decisions(
        optimize=optimize,
        cycles_per_byte=optimize.cycles_per_byte,
        steps=steps,
        macs=sum(step.macs for step in steps),
        predicted_cycles=sum(step.predicted_cycles for step in steps),
        arena_bytes=plan.arena_bytes,
        constant_bytes=sum(step.constant_bytes for step in steps),
        code_bytes=sum(kernel.code_bytes for kernel in {choice.kernel for choice in choices}),
    )


def decisions_json(decisions: Decisions) -> bytes:
    """The contents of explain.json."""
    from pydantic import TypeAdapter

    return TypeAdapter(Decisions).dump_json(decisions, indent=2) + b"\n"


def _decision(
    number: int, step: Step, choice: Choice, plan: MemoryPlan, shared: SharedConstants, optimize: Optimize
) -> Decision:
    others = [candidate for candidate in choice.unit.candidates if candidate is not choice.chosen]
    return Decision(
        index=number,
        kind=step.kind,
        name=step.name,
        graph_operators=step.operators,
        piece=(choice.unit.steps.index(number), len(choice.unit.steps)),
        kernel=choice.kernel.name,
        why=_why(choice.chosen, others, optimize),
        alternatives=tuple(_alternative(candidate, optimize) for candidate in (choice.chosen, *others)),
        macs=step.macs,
        predicted_cycles=choice.kernel.predicted_cycles(step),
        constant_bytes=shared.added_bytes(number),
        output_bytes=step.output_bytes,
        output_in_arena=step.output in plan.storage,
        scratch_bytes=plan.scratch_bytes[number],
        in_place=number in plan.in_place,
        proof=_proof(step),
    )


def _alternative(candidate: Candidate, optimize: Optimize) -> Alternative:
    return Alternative(
        kernel=candidate.kernel.name,
        predicted_cycles=candidate.predicted_cycles,
        constant_bytes=candidate.constant_bytes,
        code_bytes=candidate.kernel.code_bytes,
        price=candidate.price(optimize),
    )


def _why(chosen: Candidate, others: Sequence[Candidate], optimize: Optimize) -> str:
    if not others:
        return "the only kernel that computes this exactly"
    price = chosen.price(optimize)
    cheaper = [other.kernel.name for other in others if other.price(optimize) < price]
    if cheaper:
        return f"{', '.join(cheaper)} would not earn its machine code"
    if chosen.predicted_cycles <= min(other.predicted_cycles for other in others):
        return "fewest cycles" if not optimize.cycles_per_byte else "fewest cycles, and worth its constants"
    return f"faster ones would cost more than a byte per {optimize.cycles_per_byte:g} cycles"


def _proof(step: Step) -> Proof | None:
    """None where nothing is requantised per channel, and for int16 codes, whose proofs are of another form."""
    if not isinstance(step, WeightedStep) or step.codes is not DType.INT8:
        return None
    channels: Channels = proven_channels(step)
    return Proof(
        channels=len(step.weights),
        dead_channels=channels.dead,
        lowest=channels.lowest,
        highest=channels.highest,
        short_requantization=channels.short,
    )
