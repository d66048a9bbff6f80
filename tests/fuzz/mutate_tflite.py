"""Wrong .tflite models that are still flatbuffers: tensors, parameters, options, wiring, opcodes."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.support.tflite_files import pack, unpack

Random = np.random.Generator

SIZES = (-1, 0, 1, 2, 3, 5, 16, 255, 4096, 2**20, 2**28, 2**31 - 1, -(2**31))
SCALES = (0.0, -0.05, float("nan"), float("inf"), 1e-45, 1e-30, 1e-6, 3.0, 1e3, 1.3e36, 3.4e38)
ZEROS = (-129, -128, -1, 0, 1, 127, 128, 2**31, -(2**63), 2**63 - 1)
OPCODES = tuple(value for value in vars(schema.BuiltinOperator).values() if isinstance(value, int))
_TRIES = 100
OPTIONS = tuple(name for name in vars(schema) if name.endswith("OptionsT"))


def pick(rng: Random, items: Any) -> Any:
    """One item of a sequence."""
    return items[int(rng.integers(0, len(items)))]


def _tensor(rng: Random, model: Any) -> Any:
    return pick(rng, model.subgraphs[0].tensors)


def _operator(rng: Random, model: Any) -> Any:
    return pick(rng, model.subgraphs[0].operators)


def tensor_size(rng: Random, model: Any) -> None:
    tensor = _tensor(rng, model)
    tensor.shape = np.array(tensor.shape, np.int32)
    tensor.shape[int(rng.integers(0, len(tensor.shape)))] = pick(rng, SIZES)


def tensor_rank(rng: Random, model: Any) -> None:
    tensor = _tensor(rng, model)
    shape = list(tensor.shape)
    changed = pick(
        rng, ([], shape[1:], [1, *shape], [*shape, 1], shape[::-1], [int(np.prod(shape))], [1] * 20)
    )
    tensor.shape = np.array(changed, np.int32)


def tensor_type(rng: Random, model: Any) -> None:
    _tensor(rng, model).type = int(rng.integers(0, 20))


def tensor_buffer(rng: Random, model: Any) -> None:
    _tensor(rng, model).buffer = int(
        pick(rng, (0, 1, 2, len(model.buffers) - 1, len(model.buffers), 2**32 - 1))
    )


def tensor_flags(rng: Random, model: Any) -> None:
    tensor = _tensor(rng, model)
    if rng.random() < 0.5:
        tensor.isVariable = True
    else:
        tensor.shapeSignature = np.where(rng.random(len(tensor.shape)) < 0.5, -1, tensor.shape).astype(
            np.int32
        )


def tensor_name(rng: Random, model: Any) -> None:
    _tensor(rng, model).name = pick(
        rng, (None, b"", _tensor(rng, model).name, b"*/ int x; /*", b"\xff\xfe", b"n" * 5000)
    )


def scale(rng: Random, model: Any) -> None:
    table = _tensor(rng, model).quantization
    table.scale = np.array(table.scale, np.float32)
    table.scale[int(rng.integers(0, len(table.scale)))] = pick(rng, SCALES)


def all_scales(rng: Random, model: Any) -> None:
    table = _tensor(rng, model).quantization
    table.scale = np.full(len(table.scale), pick(rng, SCALES), np.float32)


def scale_count(rng: Random, model: Any) -> None:
    table = _tensor(rng, model).quantization
    count = int(pick(rng, (0, 1, 2, 3, 64)))
    table.scale = np.resize(table.scale, count)
    if rng.random() < 0.6:
        table.zeroPoint = np.resize(table.zeroPoint, count)


def zero_point(rng: Random, model: Any) -> None:
    table = _tensor(rng, model).quantization
    table.zeroPoint = np.array(table.zeroPoint, np.int64)
    table.zeroPoint[int(rng.integers(0, len(table.zeroPoint)))] = pick(rng, ZEROS)


def channel_axis(rng: Random, model: Any) -> None:
    _tensor(rng, model).quantization.quantizedDimension = int(pick(rng, (-1, 1, 2, 3, 4, 2**31 - 1)))


def no_quantization(rng: Random, model: Any) -> None:
    _tensor(rng, model).quantization = None


def constant_length(rng: Random, model: Any) -> None:
    buffer = pick(rng, model.buffers)
    length = len(buffer.data)
    buffer.data = np.resize(buffer.data, int(pick(rng, (0, 1, length - 1, length + 1, 2 * length, 8))))


def constant_values(rng: Random, model: Any) -> None:
    buffer = pick(rng, model.buffers)
    buffer.data = rng.choice(np.array([0, 1, 127, 128, 255], np.uint8), len(buffer.data))


def rewire(rng: Random, model: Any) -> None:
    operator = _operator(rng, model)
    field = pick(rng, ("inputs", "inputs", "outputs"))
    indices = np.array(getattr(operator, field), np.int32)
    count = len(model.subgraphs[0].tensors)
    indices[int(rng.integers(0, len(indices)))] = pick(
        rng, (-1, -2, 0, 1, count - 1, count, 2**31 - 1, *rng.integers(0, count, 6))
    )
    setattr(operator, field, indices)


def operand_count(rng: Random, model: Any) -> None:
    operator = _operator(rng, model)
    field = pick(rng, ("inputs", "outputs"))
    indices = list(getattr(operator, field))
    changed = pick(rng, ([], indices[:-1], [*indices, 0], [*indices, -1], indices[::-1], indices * 3))
    setattr(operator, field, np.array(changed, np.int32))


def opcode_index(rng: Random, model: Any) -> None:
    _operator(rng, model).opcodeIndex = int(pick(rng, (0, 1, 2, len(model.operatorCodes), 2**31)))


def opcode(rng: Random, model: Any) -> None:
    code = pick(rng, model.operatorCodes)
    code.builtinCode = int(pick(rng, OPCODES))
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)


def option(rng: Random, model: Any) -> None:
    options = _operator(rng, model).builtinOptions
    name = pick(rng, sorted(vars(options)))
    setattr(options, name, int(pick(rng, (*SIZES, 4, 7, 100))))


def other_options(rng: Random, model: Any) -> None:
    operator = _operator(rng, model)
    if rng.random() < 0.4:
        operator.builtinOptions = None
    name = pick(rng, OPTIONS)
    operator.builtinOptionsType = int(getattr(schema.BuiltinOptions, name[:-1]))
    if operator.builtinOptions is not None:
        operator.builtinOptions = getattr(schema, name)()


def delete_operator(rng: Random, model: Any) -> None:
    operators = model.subgraphs[0].operators
    operators.pop(int(rng.integers(0, len(operators))))


def duplicate_operator(rng: Random, model: Any) -> None:
    operators = model.subgraphs[0].operators
    operators.insert(int(rng.integers(0, len(operators))), copy.copy(pick(rng, operators)))


def swap_operators(rng: Random, model: Any) -> None:
    operators = model.subgraphs[0].operators
    place = int(rng.integers(0, len(operators) - 1))
    operators[place], operators[place + 1] = operators[place + 1], operators[place]


def ports(rng: Random, model: Any) -> None:
    graph = model.subgraphs[0]
    count = len(graph.tensors)
    chosen = pick(rng, ([], [count], [-1], [0, 0], [int(rng.integers(0, count))], [2**31 - 1]))
    setattr(graph, pick(rng, ("inputs", "outputs")), np.array(chosen, np.int32))


def subgraphs(rng: Random, model: Any) -> None:
    model.subgraphs = model.subgraphs * int(pick(rng, (0, 2, 40)))


def lists(rng: Random, model: Any) -> None:
    what = pick(rng, ("buffers", "operatorCodes", "tensors", "operators"))
    owner = model if what in ("buffers", "operatorCodes") else model.subgraphs[0]
    setattr(owner, what, pick(rng, ([], None, getattr(owner, what)[:-1])))


def long_chain(rng: Random, model: Any) -> None:
    """Hundreds of copies of the last operator, one behind the other."""
    graph = model.subgraphs[0]
    last = graph.operators[-1]
    for _ in range(int(pick(rng, (100, 700)))):
        tensor = copy.copy(graph.tensors[last.outputs[0]])
        graph.tensors.append(tensor)
        following = copy.copy(last)
        following.inputs = np.array([last.outputs[0], *last.inputs[1:]], np.int32)
        following.outputs = np.array([len(graph.tensors) - 1], np.int32)
        graph.operators.append(following)
        last = following
    graph.outputs = np.array(last.outputs, np.int32)


def version(rng: Random, model: Any) -> None:
    if rng.random() < 0.5:
        model.version = int(pick(rng, (0, 1, 2, 4, 2**31)))
    else:
        pick(rng, model.operatorCodes).version = int(pick(rng, (-1, 0, 1, 99)))


MUTATIONS: tuple[Callable[[Random, Any], None], ...] = (
    tensor_size, tensor_size, tensor_size, tensor_rank, tensor_rank, tensor_type, tensor_type, tensor_buffer,
    tensor_flags, tensor_name, scale, scale, all_scales, scale_count, zero_point, zero_point, channel_axis,
    no_quantization, constant_length, constant_values, constant_values, rewire, rewire, rewire, operand_count,
    opcode_index, opcode, opcode, option, option, option, option, other_options, delete_operator, duplicate_operator,
    swap_operators, ports, subgraphs, lists, long_chain, version,
)  # fmt: skip


def mutate_tflite(rng: Random, content: bytes) -> tuple[bytes, str]:
    """(another flatbuffer, what was done). Mutations that do not apply to this model give way to others."""
    for _ in range(_TRIES):
        mutation = MUTATIONS[int(rng.integers(0, len(MUTATIONS)))]
        try:
            model = unpack(content)
            mutation(rng, model)
            return pack(model), mutation.__name__
        # Nothing to pick from, or a value that the flatbuffer field cannot hold.
        except Exception:
            continue
    return content, "nothing applies"
