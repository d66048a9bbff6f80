"""TensorFlow Lite flatbuffer -> graph, for our own files and anybody else's."""

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ppg_deploy.errors import InputError, PpgDeployError, UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import Operator, Pad, Reduction, Reshape, Transpose
from ppg_deploy.tflite.codecs import BY_OPCODE, OPCODE_NAMES, READERS

_DTYPES = {
    schema.TensorType.FLOAT32: DType.FLOAT32,
    schema.TensorType.INT8: DType.INT8,
    schema.TensorType.INT16: DType.INT16,
    schema.TensorType.INT32: DType.INT32,
    schema.TensorType.INT64: DType.INT64,
}
_MAX_FILE_BYTES = 64 * 1024 * 1024


def read_tflite(path: Path) -> Graph:
    """Read a .tflite file of supported operators with static shapes and one subgraph.

    Raises:
        InputError: no such file, or not a valid TensorFlow Lite file.
        UnsupportedModelError: valid, but with an operator, type or structure that cannot be compiled.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="make one with: ppg-deploy quantize student.onnx")
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than 64 MiB", hint="no supported board can hold such a model")
    return parse_tflite(path.read_bytes(), path)


def parse_tflite(data: bytes, path: Path) -> Graph:
    """As `read_tflite` for a file whose contents are known; `path` only names it in messages."""
    if data[4:8] != b"TFL3":
        raise InputError(
            f"{path} is not a TensorFlow Lite file", hint="give the .tflite file that quantize wrote"
        )
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
        return _graph(model, path)
    except PpgDeployError:
        raise
    # The generated flatbuffer code trusts offsets, so a damaged file can raise anything.
    except Exception as error:
        raise InputError(
            f"{path} is damaged: {type(error).__name__}: {error}", hint="write the file again"
        ) from error


def _graph(model: Any, path: Path) -> Graph:
    if model.subgraphs is None or len(model.subgraphs) != 1:
        raise UnsupportedModelError(
            f"{path} has {len(model.subgraphs or [])} subgraphs", hint="export a model without control flow"
        )
    subgraph = model.subgraphs[0]
    tensors = _tensors(model, subgraph, path)
    names = [tensor.name for tensor in tensors]
    by_name = dict(zip(names, tensors, strict=True))
    operators = tuple(
        operator
        for number, table in enumerate(subgraph.operators)
        for operator in _operators(model, table, names, by_name, number, path)
    )
    used = {name for operator in operators for name in (*operator.inputs, *operator.outputs)}
    inputs = tuple(_name(names, index, path) for index in subgraph.inputs)
    outputs = tuple(_name(names, index, path) for index in subgraph.outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        raise UnsupportedModelError(
            f"{path} has {len(inputs)} inputs and {len(outputs)} outputs",
            hint="export a model with exactly one input and one output",
        )
    kept = used | set(inputs) | set(outputs)
    return Graph(
        name=_text(subgraph.name) or path.stem,
        tensors={name: tensor for name, tensor in by_name.items() if name in kept},
        operators=operators,
        inputs=inputs,
        outputs=outputs,
    )


def _name(names: list[str], index: int, path: Path) -> str:
    """Name of a tensor by its index. Python would take a negative one from the end."""
    if not 0 <= index < len(names):
        raise InputError(
            f"{path} is damaged: it names tensor {index} of {len(names)}", hint="convert it again"
        )
    return names[index]


def _text(value: bytes | str | None) -> str:
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _tensors(model: Any, subgraph: Any, path: Path) -> list[Tensor]:
    tensors: list[Tensor] = []
    seen: set[str] = set()
    for index, table in enumerate(subgraph.tensors):
        # Names are not unique in every converter's files; ours must be.
        name = _text(table.name) or f"tensor{index}"
        if name in seen:
            name = f"{name}#{index}"
        seen.add(name)
        tensors.append(_tensor(model, table, name, path))
    return tensors


def _tensor(model: Any, table: Any, name: str, path: Path) -> Tensor:
    if table.type not in _DTYPES:
        raise UnsupportedModelError(
            f"{path}: tensor {name} has the unsupported type number {table.type}",
            hint="convert the model to int8 weights and activations",
        )
    signature = table.shapeSignature if table.shapeSignature is not None else []
    if any(size < 0 for size in signature):
        raise UnsupportedModelError(
            f"{path}: tensor {name} has a dynamic shape", hint="export the model with a fixed batch size of 1"
        )
    dtype = _DTYPES[table.type]
    shape = tuple(int(size) for size in (table.shape if table.shape is not None else ()))
    content = model.buffers[table.buffer].data
    data = None
    if content is not None and len(content):
        raw = np.asarray(content, np.uint8).tobytes()
        data = np.frombuffer(raw, dtype.numpy.newbyteorder("<")).astype(dtype.numpy).reshape(shape)
        if table.isVariable:
            raise UnsupportedModelError(
                f"{path}: tensor {name} is a constant and variable at once: TFLM clears it before it is read",
                hint="convert the model again",
            )
    return Tensor(name, shape, dtype, _quantization(table.quantization, name, path), data)


def _quantization(table: Any, name: str, path: Path) -> Quantization | None:
    if table is None or table.scale is None or len(table.scale) == 0:
        return None
    scale = tuple(float(value) for value in table.scale)
    zero_point = tuple(int(value) for value in (table.zeroPoint if table.zeroPoint is not None else ()))
    zero_point = zero_point or (0,) * len(scale)
    if len(zero_point) != len(scale):
        raise InputError(
            f"{path}: tensor {name} has {len(scale)} scales but {len(zero_point)} zero points",
            hint="convert the model again",
        )
    if not all(np.isfinite(value) and value > 0 for value in scale):
        raise InputError(
            f"{path}: tensor {name} has a scale that is not a positive number", hint="convert the model again"
        )
    return Quantization(scale, zero_point, table.quantizedDimension if len(scale) > 1 else None)


def _operators(
    model: Any, table: Any, names: list[str], tensors: dict[str, Tensor], number: int, path: Path
) -> tuple[Operator, ...]:
    """One operator of the file as the graph's; most are one to one."""
    code = model.operatorCodes[table.opcodeIndex]
    opcode = max(code.builtinCode, code.deprecatedBuiltinCode)
    if opcode not in READERS:
        return (_operator(opcode, table, names, tensors, number, path),)
    inputs = [names[index] if index >= 0 else "" for index in table.inputs]
    outputs = [names[index] for index in table.outputs]
    try:
        return READERS[opcode](table.builtinOptions, inputs, outputs, tensors)
    except UnsupportedModelError as error:
        raise UnsupportedModelError(f"{path}: operator {number}: {error}", hint=error.hint) from error


def _operator(
    opcode: int, table: Any, names: list[str], tensors: dict[str, Tensor], number: int, path: Path
) -> Operator:
    if opcode not in BY_OPCODE:
        supported = ", ".join(sorted(OPCODE_NAMES[known] for known in {*BY_OPCODE, *READERS}))
        raise UnsupportedModelError(
            f"{path}: operator {number} is {OPCODE_NAMES.get(opcode, opcode)}, which is not supported",
            hint=f"supported operators: {supported}",
        )
    codec = BY_OPCODE[opcode]
    inputs = tuple("" if index == -1 else _name(names, index, path) for index in table.inputs)
    outputs = tuple(_name(names, index, path) for index in table.outputs)
    fields = codec.fields(table.builtinOptions)
    if codec.operator is Pad:
        paddings = tensors[inputs[1]].data
        if paddings is None:
            raise UnsupportedModelError(
                f"{path}: operator {number} pads by a computed amount", hint="use constant padding"
            )
        fields["pads"] = tuple((int(before), int(after)) for before, after in paddings)
    if issubclass(codec.operator, Transpose | Reduction):
        argument = tensors[inputs[1]].data
        if argument is None:
            raise UnsupportedModelError(
                f"{path}: operator {number} ({OPCODE_NAMES[opcode]}) has computed axes",
                hint="use constant axes",
            )
        rank = len(tensors[inputs[0]].shape)
        numbers = tuple(int(axis) % rank for axis in argument.reshape(-1))
        if codec.operator is Transpose:
            fields["permutation"] = numbers
        else:
            fields["axes"] = tuple(sorted(set(numbers)))
    if issubclass(codec.operator, Pad | Reshape | Transpose | Reduction):
        inputs = inputs[:1]
    return codec.operator(inputs=inputs, outputs=outputs, **fields)
