"""Renders the generated C files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppg_deploy.compile.features import HEADER, features_of
from ppg_deploy.compile.kernels import Array, Code
from ppg_deploy.compile.kernels.base import Value
from ppg_deploy.compile.memory import MemoryPlan
from ppg_deploy.compile.pieces.sliding import SlidingProgram
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.sharing import SharedConstants
from ppg_deploy.compile.steps import Step
from ppg_deploy.graph import Graph, Tensor

_TEMPLATES = Path(__file__).parent / "templates"
_FILES = ("model.h", "model.c", "model_data.h", "model_data.c", HEADER)
_NUMBERS_PER_LINE = {1: 20, 2: 14, 4: 8}
_ARENA = "ppg_model_arena"


@dataclass(frozen=True)
class _Constant:
    """A declaration and its initialiser, line by line."""

    declaration: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Function:
    """An operator or a piece of one: C parameter list, arguments of its caller, and the kernel call in its body.

    `index` is the operator's number.
    """

    symbol: str
    index: int
    title: str
    parameters: str
    arguments: str
    call: str


@dataclass(frozen=True)
class Routine:
    """Steps that run one after the other, and how to write them.

    Attributes:
        program: the steps.
        plan: where everything lies.
        codes: the call of each step's kernel.
        first: number of the first step's constants.
        symbol: what the names of the functions begin with.
        input_argument: C name of the caller's input buffer.
    """

    program: Program
    plan: MemoryPlan
    codes: Sequence[Code]
    first: int
    symbol: str
    input_argument: str


@dataclass(frozen=True)
class PushRoutine:
    """The routine behind ppg_model_push."""

    routine: Routine
    sliding: SlidingProgram


def render(
    graph: Graph,
    run: Routine,
    push: PushRoutine | None,
    shared: SharedConstants,
    *,
    arena_bytes: int,
    headers: Sequence[str],
    model_sha256: str,
    dsp: bool,
) -> Mapping[str, str]:
    """C text by file name."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    routines = [run] if push is None else [run, push.routine]
    functions = _functions(run, shared)
    pushes = [] if push is None else [_push_text(run, push, shared)]
    context: dict[str, Any] = {
        "model_name": _comment(graph.name),
        "sha256": model_sha256,
        "input": _tensor_text(graph.input),
        "output": _tensor_text(graph.output),
        "arena_bytes": arena_bytes,
        "functions": functions,
        "all_functions": [*functions, *(function for push in pushes for function in push["functions"])],
        "operators": max(run.program.operator_of) + 1,
        "pushes": pushes,
        "constants": [
            constant
            for routine in routines
            for number, code in enumerate(routine.codes, routine.first)
            for constant in _constants(number, code, shared)
        ],
        "headers": headers,
        "features": features_of(
            [step for routine in routines for step in routine.program.steps],
            [code for routine in routines for code in routine.codes],
        ),
        "guard": ["dsp"] if dsp else [],
    }
    return {name: environment.get_template(f"{name}.j2").render(context) for name in _FILES}


def _comment(text: str) -> str:
    """Text from the model file, made harmless inside a C comment."""
    return re.sub(r"[^A-Za-z0-9_.:;()-]+", "_", text)


def _tensor_text(tensor: Tensor) -> dict[str, str | int]:
    shape = " x ".join(str(size) for size in tensor.shape)
    return {
        "bytes": tensor.byte_size,
        "shape": shape,
        "scale": repr(tensor.scale),
        "zero_point": tensor.zero_point,
    }


def _constants(number: int, code: Code, shared: SharedConstants) -> Iterator[_Constant]:
    for array in code.arrays:
        if shared.is_first(number, array.suffix):
            ctype = f"int{8 * array.values.itemsize}_t"
            declaration = f"const {ctype} {shared.symbol(number, array.suffix)}[{array.values.size}]"
            yield _Constant(declaration, tuple(_array_lines(array)))
    if code.parameters is not None and shared.is_first(number):
        fields = code.parameters.fields.items()
        lines = tuple(f".{name} = {_value(number, value, shared)}," for name, value in fields)
        yield _Constant(f"const {code.parameters.ctype} {shared.symbol(number)}", lines)


def _array_lines(array: Array) -> Iterator[str]:
    numbers = [_number(int(value)) for value in array.values]
    per_line = _NUMBERS_PER_LINE[array.values.itemsize]
    for start in range(0, len(numbers), per_line):
        yield ", ".join(numbers[start : start + per_line]) + ","


def _number(value: int) -> str:
    # -2147483648 is a unary minus on a number too large for int.
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def _value(number: int, value: Value, shared: SharedConstants) -> str:
    if isinstance(value, Array):
        return shared.symbol(number, value.suffix)
    if isinstance(value, tuple):
        return "{" + ", ".join(str(item) for item in value) + "}"
    if isinstance(value, Mapping):
        inside = (f".{name} = {_value(number, inner, shared)}" for name, inner in value.items())
        return "{" + ", ".join(inside) + "}"
    return f"{value}u" if value > 0x7FFFFFFF else str(value)


def _push_text(run: Routine, push: PushRoutine, shared: SharedConstants) -> dict[str, Any]:
    functions = _functions(push.routine, shared)
    sliding = push.sliding
    return {
        "functions": functions,
        "receiving": functions[: sliding.receiving],
        "updating": functions[sliding.receiving :],
        "window": f"{_ARENA} + {run.plan.storage[run.program.input]}",
        "hop": sliding.hop,
        "columns": sliding.window.columns,
        "sample_bytes": sliding.sample_bytes,
    }


def _functions(routine: Routine, shared: SharedConstants) -> list[_Function]:
    return [
        _function(number, step, code, routine, shared)
        for number, (step, code) in enumerate(zip(routine.program.steps, routine.codes, strict=True))
    ]


def _function(number: int, step: Step, code: Code, routine: Routine, shared: SharedConstants) -> _Function:
    program, plan = routine.program, routine.plan
    inputs = [_place(name, routine) for name in step.inputs]
    operands = [
        shared.symbol(routine.first + number, operand.suffix)
        if isinstance(operand, Array)
        else inputs[operand]
        for operand in code.operands
    ]
    output = [_place(step.output, routine)]
    touched = {program.origin(name) for name in (*step.inputs, step.output)}
    types = {
        routine.input_argument: f"const int8_t *{routine.input_argument}",
        "output": "int8_t *output",
    }
    callers = [
        name
        for name, storage in ((routine.input_argument, program.input), ("output", program.output))
        if storage in touched
    ]
    if code.gathered:
        operands = [f"(const int8_t *const[]){{{', '.join(operands)}}}"]
    data = output + operands if code.output_first else operands + output
    scratch = [f"{_ARENA} + {plan.scratch[number]}"] if number in plan.scratch else []
    parameters = [f"&{shared.symbol(routine.first + number)}"] if code.parameters else []
    arguments = parameters + data + scratch + [str(value) for value in code.trailing]
    return _Function(
        symbol=_symbol(number, routine),
        index=program.operator_of[number],
        title=f"{step.kind} {_comment(step.name)}",
        parameters=", ".join(types[name] for name in callers) or "void",
        arguments=", ".join(callers),
        call=f"{code.function}({', '.join(arguments)})",
    )


def _symbol(number: int, routine: Routine) -> str:
    operator_of = routine.program.operator_of
    operator = operator_of[number]
    symbol = f"{routine.symbol}_{operator:03d}"
    if operator_of.count(operator) == 1:
        return symbol
    return f"{symbol}_piece_{operator_of[:number].count(operator):03d}"


def _place(storage: str, routine: Routine) -> str:
    program, plan = routine.program, routine.plan
    if storage in program.views:
        origin, first = program.views[storage]
        return f"{_place(origin, routine)} + {first}"
    if storage == program.input:
        return routine.input_argument
    if storage == program.output:
        return "output"
    return f"{_ARENA} + {plan.storage[storage]}"
