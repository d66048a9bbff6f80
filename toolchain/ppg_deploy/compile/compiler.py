"""Quantised graph -> C."""

from collections.abc import Sequence

from ppg_deploy.compile.checks import check_compilable
from ppg_deploy.compile.choose import choose_kernels
from ppg_deploy.compile.emit import render
from ppg_deploy.compile.explain import explain
from ppg_deploy.compile.kernels import Kernel
from ppg_deploy.compile.kernels.base import COMMON_FILES
from ppg_deploy.compile.lower import Program, lower
from ppg_deploy.compile.memory import MemoryPlan, plan_memory
from ppg_deploy.compile.model import CompiledModel, CompiledOperator
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.sharing import SharedConstants
from ppg_deploy.graph import Graph


def compile_graph(
    graph: Graph, *, model_sha256: str, dsp: bool, optimize: Optimize = Optimize.BALANCED
) -> CompiledModel:
    """Generate C whose output bytes equal those of TFLM's kernels.

    Args:
        graph: int8 or int16 activations with batch size 1, symmetric int8 weights, one input and one output.
        model_sha256: hexadecimal hash of the .tflite file, written into model.h.
        dsp: True for a core with the DSP extension; the generated code then refuses to build without it, because
            the kernels would fall back to portable C that is many times slower.
        optimize: which kernel computes a step when several can.

    Raises:
        UnsupportedModelError: the graph holds something that the kernels cannot compute exactly.
    """
    check_compilable(graph)
    program = lower(graph)
    choices = choose_kernels(program.steps, optimize)
    kernels = [choice.kernel for choice in choices]
    plan = plan_memory(program, kernels)
    codes = [
        choice.kernel.code(step, in_place=True) if number in plan.in_place else choice.code
        for number, (step, choice) in enumerate(zip(program.steps, choices, strict=True))
    ]
    shared = SharedConstants(codes)
    operators = _operators(program, kernels, plan, shared)
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
        decisions=explain(program, choices, plan, shared, optimize),
    )


def _operators(
    program: Program, kernels: Sequence[Kernel], plan: MemoryPlan, shared: SharedConstants
) -> tuple[CompiledOperator, ...]:
    return tuple(
        CompiledOperator(
            index=number,
            kind=step.kind,
            name=step.name,
            kernel=kernel.name,
            graph_operators=step.operators,
            macs=step.macs,
            constant_bytes=shared.added_bytes(number),
            input_offsets=tuple(_input_offset(name, program, plan) for name in step.inputs),
            output_offset=plan.storage.get(step.output),
            output_bytes=step.output_bytes,
            scratch_bytes=plan.scratch_bytes[number],
            in_place=number in plan.in_place,
        )
        for number, (step, kernel) in enumerate(zip(program.steps, kernels, strict=True))
    )


def _input_offset(name: str, program: Program, plan: MemoryPlan) -> int | None:
    origin, first = program.views.get(name, (name, 0))
    offset = plan.storage.get(origin)
    return None if offset is None else offset + first
