"""Renders the generated C files."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppg_deploy.compile.features import HEADER, features_of
from ppg_deploy.compile.kernels import Array, Code, Kernel
from ppg_deploy.compile.kernels.base import Value
from ppg_deploy.compile.lower import Program
from ppg_deploy.compile.memory import MemoryPlan
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


def render(
    graph: Graph,
    program: Program,
    kernels: Sequence[Kernel],
    codes: Sequence[Code],
    plan: MemoryPlan,
    shared: SharedConstants,
    *,
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
    context: dict[str, Any] = {
        "model_name": _comment(graph.name),
        "sha256": model_sha256,
        "input": _tensor_text(graph.input),
        "output": _tensor_text(graph.output),
        "arena_bytes": plan.arena_bytes,
        "functions": _functions(program, codes, plan, shared),
        "operators": max(program.operator_of) + 1,
        "constants": [
            constant for number, code in enumerate(codes) for constant in _constants(number, code, shared)
        ],
        "headers": sorted({kernel.header for kernel in kernels}),
        "features": features_of(program.steps, codes),
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


def _functions(
    program: Program, codes: Sequence[Code], plan: MemoryPlan, shared: SharedConstants
) -> list[_Function]:
    return [
        _function(number, step, code, program, plan, shared)
        for number, (step, code) in enumerate(zip(program.steps, codes, strict=True))
    ]


def _function(
    number: int, step: Step, code: Code, program: Program, plan: MemoryPlan, shared: SharedConstants
) -> _Function:
    inputs = [_place(name, program, plan) for name in step.inputs]
    operands = [
        shared.symbol(number, operand.suffix) if isinstance(operand, Array) else inputs[operand]
        for operand in code.operands
    ]
    output = [_place(step.output, program, plan)]
    touched = {program.origin(name) for name in (*step.inputs, step.output)}
    callers = [
        name for name, storage in (("input", program.input), ("output", program.output)) if storage in touched
    ]
    if code.gathered:
        operands = [f"(const int8_t *const[]){{{', '.join(operands)}}}"]
    data = output + operands if code.output_first else operands + output
    scratch = [f"{_ARENA} + {plan.scratch[number]}"] if number in plan.scratch else []
    parameters = [f"&{shared.symbol(number)}"] if code.parameters else []
    arguments = parameters + data + scratch + [str(value) for value in code.trailing]
    types = {"input": "const int8_t *input", "output": "int8_t *output"}
    return _Function(
        symbol=_symbol(number, program),
        index=program.operator_of[number],
        title=f"{step.kind} {_comment(step.name)}",
        parameters=", ".join(types[name] for name in callers) or "void",
        arguments=", ".join(callers),
        call=f"{code.function}({', '.join(arguments)})",
    )


def _symbol(number: int, program: Program) -> str:
    operator = program.operator_of[number]
    symbol = f"ppg_model_op_{operator:03d}"
    if program.operator_of.count(operator) == 1:
        return symbol
    return f"{symbol}_piece_{program.operator_of[:number].count(operator):03d}"


def _place(storage: str, program: Program, plan: MemoryPlan) -> str:
    if storage in program.views:
        origin, first = program.views[storage]
        return f"{_place(origin, program, plan)} + {first}"
    if storage == program.input:
        return "input"
    if storage == program.output:
        return "output"
    return f"{_ARENA} + {plan.storage[storage]}"
