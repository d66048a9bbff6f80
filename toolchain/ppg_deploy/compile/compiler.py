"""Quantised graph -> C."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ppg_deploy.compile.checks import check_compilable
from ppg_deploy.compile.choose import Choice, choose_kernels, code_bytes_of
from ppg_deploy.compile.emit import PushRoutine, Routine, render
from ppg_deploy.compile.explain import explain
from ppg_deploy.compile.kernels import Kernel, candidates
from ppg_deploy.compile.kernels.base import COMMON_FILES
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.memory import MemoryPlan
from ppg_deploy.compile.model import CompiledModel, CompiledOperator
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.pieces.schedule import (
    ArenaTooSmallError,
    Schedule,
    choose_schedule,
    schedule_as_it_is,
)
from ppg_deploy.compile.pieces.sliding import SlidingProgram, sliding_program
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.prune import prune
from ppg_deploy.compile.push import push_facts
from ppg_deploy.compile.sharing import SharedConstants
from ppg_deploy.compile.steps import Step
from ppg_deploy.graph import Graph

_SCRATCH_SHARE = 8
_DEARER = (0.25, 1.0, 4.0, 16.0, 64.0, 1000.0)


def compile_graph(
    graph: Graph,
    *,
    model_sha256: str,
    dsp: bool,
    optimize: Optimize = Optimize.BALANCED,
    ram_budget: int | None = None,
    flash_budget: int | None = None,
    hop: int | None = None,
) -> CompiledModel:
    """Generate C whose output bytes equal those of TFLM's kernels.

    Args:
        graph: int8 or int16 activations with batch size 1, symmetric int8 weights, one input and one output.
        model_sha256: hexadecimal hash of the .tflite file, written into model.h.
        dsp: True for a core with the DSP extension; the generated code then refuses to build without it, because
            the kernels would fall back to portable C that is many times slower.
        optimize: which kernel computes a step when several can.
        ram_budget: most bytes that the arena may have; None for the smallest that costs no cycles.
        flash_budget: bytes for constants and kernels. Where `optimize` would need more, bytes become dearer until they
            are enough, or until that no longer helps: whether an image fits is for the linker to say.
        hop: new samples per channel between two answers; with it, ppg_model_push is generated, too.

    Raises:
        UnsupportedModelError: the graph holds something that the kernels cannot compute exactly.
        DoesNotFitError: no schedule within the budget was found.
        InputError: successive windows share nothing with this hop.
    """
    check_compilable(graph)
    whole, removed_channels = prune(lower(graph))
    # Under a budget, RAM is worth more than the cycles that further tensors would save.
    macs_per_byte = optimize.macs_per_kept_byte if ram_budget is None else math.inf
    sliding = None if hop is None else sliding_program(whole, hop, macs_per_byte=macs_per_byte)
    cycles_per_byte = _affordable(whole, optimize, flash_budget)
    planned = _plan(whole, sliding, optimize, cycles_per_byte, ram_budget)
    choices, schedule, push_schedule = planned.choices, planned.schedule, planned.push_schedule
    run = _routine(schedule, "ppg_model_op", "input", 0)
    schedules, routines = [schedule], [run]
    if push_schedule is not None:
        schedules.append(push_schedule)
        routines.append(_routine(push_schedule, "ppg_model_push_op", "samples", len(run.codes)))
    kernels = {kernel for each in schedules for kernel in each.kernels}
    arena_bytes = max(each.plan.arena_bytes for each in schedules)
    shared = SharedConstants([code for routine in routines for code in routine.codes])
    operators = _operators(whole, schedule, shared)
    push = None if sliding is None else push_facts(sliding, schedules[1], whole.steps)
    return CompiledModel(
        model_sha256=model_sha256,
        files=render(
            graph,
            run,
            None if sliding is None else PushRoutine(routines[1], sliding),
            shared,
            arena_bytes=arena_bytes,
            headers=sorted({kernel.header for kernel in kernels}),
            model_sha256=model_sha256,
            dsp=dsp,
        ),
        kernel_files=tuple(sorted({*COMMON_FILES, *(name for kernel in kernels for name in kernel.files)})),
        arena_bytes=arena_bytes,
        operators=operators,
        input_bytes=graph.input.byte_size,
        output_bytes=graph.output.byte_size,
        constants_bytes=shared.total_bytes,
        macs=sum(operator.macs for operator in operators),
        decisions=explain(
            whole,
            choices,
            schedule,
            shared,
            optimize,
            cycles_per_byte,
            removed_channels,
            kernels=kernels,
            arena_bytes=arena_bytes,
            push=push,
        ),
        push=push,
    )


@dataclass(frozen=True)
class _Planned:
    """Which kernels, in which order, at which offsets."""

    choices: tuple[Choice, ...]
    schedule: Schedule
    push_schedule: Schedule | None

    def price(self, cycles_per_byte: float) -> float:
        """Predicted cycles of a run, and what its constants are worth in cycles."""
        constants = sum(choice.chosen.constant_bytes for choice in self.choices)
        return self.schedule.predicted_cycles + cycles_per_byte * constants


def _affordable(whole: Program, optimize: Optimize, flash_budget: int | None) -> float:
    """The price of flash, in cycles per byte, at which the chosen kernels fit the budget."""
    price = optimize.cycles_per_byte
    for dearer in _DEARER:
        if flash_budget is None or _flash_bytes(choose_kernels(whole.steps, price)) <= flash_budget:
            break
        price = max(price, dearer)
    return price


def _flash_bytes(choices: Sequence[Choice]) -> int:
    constants = sum(choice.chosen.constant_bytes for choice in choices)
    return constants + code_bytes_of(choice.kernel for choice in choices)


def _plan(
    whole: Program,
    sliding: SlidingProgram | None,
    optimize: Optimize,
    cycles_per_byte: float,
    ram_budget: int | None,
) -> _Planned:
    if ram_budget is None:
        return _planned(whole, sliding, optimize, cycles_per_byte, None, None)
    # Kernels that need much scratch may cost more, cut into short stretches, than slower ones in longer stretches.
    plans: list[_Planned] = []
    refusals: list[ArenaTooSmallError] = []
    for scratch_limit in (None, ram_budget // _SCRATCH_SHARE, 0):
        try:
            plans.append(_planned(whole, sliding, optimize, cycles_per_byte, ram_budget, scratch_limit))
        except ArenaTooSmallError as refusal:
            refusals.append(refusal)
    if not plans:
        raise min(refusals, key=lambda refusal: refusal.smallest)
    return min(plans, key=lambda plan: plan.price(cycles_per_byte))


def _planned(
    whole: Program,
    sliding: SlidingProgram | None,
    optimize: Optimize,
    cycles_per_byte: float,
    ram_budget: int | None,
    scratch_limit: int | None,
) -> _Planned:
    choices = choose_kernels(whole.steps, cycles_per_byte, scratch_limit=scratch_limit)

    def kernels_of(program: Program) -> list[Kernel]:
        # All pieces of an operator have its kernel, so that they share its constants.
        return [
            _kernel_of(step, choices[operator : operator + 1], cycles_per_byte)
            for step, operator in zip(program.steps, program.operator_of, strict=True)
        ]

    if sliding is None:
        return _Planned(choices, choose_schedule(whole, kernels_of, optimize, ram_budget), None)
    push_schedule = schedule_as_it_is(replace(sliding.program, kept=sliding.kept), kernels_of)
    schedule = choose_schedule(
        replace(whole, kept=sliding.kept),
        kernels_of,
        optimize,
        ram_budget,
        at_least=push_schedule.plan.arena_bytes,
    )
    return _Planned(choices, schedule, push_schedule)


def _kernel_of(piece: Step, choices: Sequence[Choice], cycles_per_byte: float) -> Kernel:
    """The kernel of the piece's operator, if it has one that can compute the piece."""
    for choice in choices:
        if choice.kernel.matches(piece):
            return choice.kernel
    able = candidates(piece)
    # Copies, of which there are many, have one kernel only.
    return able[0] if len(able) == 1 else choose_kernels([piece], cycles_per_byte)[0].kernel


def _routine(schedule: Schedule, symbol: str, input_argument: str, first: int) -> Routine:
    return Routine(
        program=schedule.program,
        plan=schedule.plan,
        codes=tuple(
            kernel.code(step, in_place=number in schedule.plan.in_place)
            for number, (step, kernel) in enumerate(
                zip(schedule.program.steps, schedule.kernels, strict=True)
            )
        ),
        first=first,
        symbol=symbol,
        input_argument=input_argument,
    )


def _operators(whole: Program, schedule: Schedule, shared: SharedConstants) -> tuple[CompiledOperator, ...]:
    return tuple(
        _operator(operator, step, schedule.program.pieces_of(operator), schedule, shared)
        for operator, step in enumerate(whole.steps)
    )


def _operator(
    operator: int, step: Step, pieces: list[int], schedule: Schedule, shared: SharedConstants
) -> CompiledOperator:
    program, plan = schedule.program, schedule.plan
    steps = [program.steps[number] for number in pieces]
    return CompiledOperator(
        index=operator,
        kind=step.kind,
        name=step.name,
        kernel=" + ".join(sorted({schedule.kernels[number].name for number in pieces})),
        graph_operators=step.operators,
        pieces=len(pieces),
        macs=step.macs,
        computed_macs=sum(piece.macs for piece in steps),
        constant_bytes=sum(shared.added_bytes(number) for number in pieces),
        input_offsets=tuple(_offset(name, program, plan) for name in steps[0].inputs),
        output_offset=_offset(steps[0].output, program, plan),
        output_bytes=step.output_bytes,
        scratch_bytes=max(plan.scratch_bytes[number] for number in pieces),
        in_place=any(number in plan.in_place for number in pieces),
    )


def _offset(name: str, program: Program, plan: MemoryPlan) -> int | None:
    origin, first = program.views.get(name, (name, 0))
    offset = plan.storage.get(origin)
    return None if offset is None else offset + first
