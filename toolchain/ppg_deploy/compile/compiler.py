"""Quantised graph -> C."""

from ppg_deploy.compile.checks import check_compilable
from ppg_deploy.compile.choose import Choice, choose_kernels
from ppg_deploy.compile.emit import render
from ppg_deploy.compile.explain import explain
from ppg_deploy.compile.kernels import Kernel
from ppg_deploy.compile.kernels.base import COMMON_FILES
from ppg_deploy.compile.lower import Program, lower
from ppg_deploy.compile.memory import MemoryPlan
from ppg_deploy.compile.model import CompiledModel, CompiledOperator
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.pieces.schedule import Schedule, choose_schedule
from ppg_deploy.compile.sharing import SharedConstants
from ppg_deploy.compile.steps import Step
from ppg_deploy.graph import Graph


def compile_graph(
    graph: Graph,
    *,
    model_sha256: str,
    dsp: bool,
    optimize: Optimize = Optimize.BALANCED,
    ram_budget: int | None = None,
) -> CompiledModel:
    """Generate C whose output bytes equal those of TFLM's kernels.

    Args:
        graph: int8 or int16 activations with batch size 1, symmetric int8 weights, one input and one output.
        model_sha256: hexadecimal hash of the .tflite file, written into model.h.
        dsp: True for a core with the DSP extension; the generated code then refuses to build without it, because
            the kernels would fall back to portable C that is many times slower.
        optimize: which kernel computes a step when several can.
        ram_budget: most bytes that the arena may have; None for the smallest that costs no cycles.

    Raises:
        UnsupportedModelError: the graph holds something that the kernels cannot compute exactly.
        DoesNotFitError: no schedule within the budget was found.
    """
    check_compilable(graph)
    whole = lower(graph)
    choices = choose_kernels(whole.steps, optimize)

    def kernels_of(program: Program) -> list[Kernel]:
        # All pieces of an operator have its kernel, so that they share its constants.
        return [
            _kernel_of(step, choices[operator], optimize)
            for step, operator in zip(program.steps, program.operator_of, strict=True)
        ]

    schedule = choose_schedule(whole, kernels_of, optimize, ram_budget)
    program, kernels, plan = schedule.program, schedule.kernels, schedule.plan
    codes = [
        kernel.code(step, in_place=number in plan.in_place)
        for number, (step, kernel) in enumerate(zip(program.steps, kernels, strict=True))
    ]
    shared = SharedConstants(codes)
    operators = _operators(whole, schedule, shared)
    return CompiledModel(
        model_sha256=model_sha256,
        files=render(graph, program, kernels, codes, plan, shared, model_sha256=model_sha256, dsp=dsp),
        kernel_files=tuple(sorted({*COMMON_FILES, *(name for kernel in kernels for name in kernel.files)})),
        arena_bytes=plan.arena_bytes,
        operators=operators,
        input_bytes=graph.input.byte_size,
        output_bytes=graph.output.byte_size,
        constants_bytes=sum(operator.constant_bytes for operator in operators),
        macs=sum(operator.macs for operator in operators),
        decisions=explain(whole, choices, schedule, shared, optimize),
    )


def _kernel_of(piece: Step, choice: Choice, optimize: Optimize) -> Kernel:
    if choice.kernel.matches(piece):
        return choice.kernel
    return choose_kernels([piece], optimize)[0].kernel


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
