"""Reading any .tflite without asking whether it makes sense: operators and types of every kind, wrong indices too.

ppg_deploy.tflite reads what can be compiled and refuses the rest; this one refuses only what is no .tflite at all.
"""

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ppg_deploy.audit.model import AuditModel, AuditOperator, AuditTensor
from ppg_deploy.errors import InputError

MAX_FILE_BYTES = 256 * 1024 * 1024
# More than any real model has; a damaged length must not keep the reader busy.
_MAX_ITEMS = 1 << 17
_MAX_RANK = 32


def _names(table: type) -> dict[int, str]:
    return {value: name for name, value in vars(table).items() if isinstance(value, int)}


_OPERATORS = _names(schema.BuiltinOperator)
_TYPES = _names(schema.TensorType)


def read_for_audit(data: bytes, name: str) -> AuditModel:
    """The contents of a .tflite file.

    Args:
        data: the file's contents.
        name: how error messages call it.

    Raises:
        InputError: not a TensorFlow Lite file, or so damaged that its tables cannot be read.
    """
    if data[4:8] != b"TFL3":
        raise InputError(f"{name} is not a TensorFlow Lite file", hint="give a .tflite file")
    try:
        root = schema.Model.GetRootAsModel(data, 0)
        _check_lengths(root, name)
        model = schema.ModelT.InitFromObj(root)
        return _model(model, len(data), name)
    except InputError:
        raise
    # The generated flatbuffer code trusts offsets, so a damaged file can raise anything.
    except Exception as error:
        raise InputError(
            f"{name} is damaged: {type(error).__name__}: {error}", hint="write the file again"
        ) from error


def _check_lengths(root: Any, name: str) -> None:
    counts = {
        "subgraphs": root.SubgraphsLength(),
        "buffers": root.BuffersLength(),
        "operator codes": root.OperatorCodesLength(),
        "metadata entries": root.MetadataLength(),
        "signatures": root.SignatureDefsLength(),
    }
    if counts["subgraphs"] <= _MAX_ITEMS:
        for number in range(counts["subgraphs"]):
            subgraph = root.Subgraphs(number)
            counts["tensors"] = counts.get("tensors", 0) + subgraph.TensorsLength()
            counts["operators"] = counts.get("operators", 0) + subgraph.OperatorsLength()
    for what, count in counts.items():
        if count > _MAX_ITEMS:
            raise InputError(f"{name} is damaged: it claims {count} {what}", hint="write the file again")


def _model(model: Any, file_bytes: int, name: str) -> AuditModel:
    if not model.subgraphs:
        raise InputError(f"{name} holds no subgraph", hint="write the file again")
    subgraph = model.subgraphs[0]
    operators = tuple(
        _operator(model, table, number) for number, table in enumerate(subgraph.operators or [])
    )
    return AuditModel(
        file_bytes=file_bytes,
        subgraphs=len(model.subgraphs),
        tensors=tuple(_tensor(model, table, index) for index, table in enumerate(subgraph.tensors or [])),
        operators=operators,
        inputs=_integers(subgraph.inputs),
        outputs=_integers(subgraph.outputs),
    )


def _integers(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(value) for value in values)


def _text(value: bytes | str | None) -> str:
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _tensor(model: Any, table: Any, index: int) -> AuditTensor:
    shape = _integers(table.shape)
    if len(shape) > _MAX_RANK:
        raise ValueError(f"tensor {index} has {len(shape)} axes")
    quantization = table.quantization
    scales = () if quantization is None or quantization.scale is None else quantization.scale
    buffer = model.buffers[table.buffer] if model.buffers else None
    content = None if buffer is None else buffer.data
    # Files beyond 2 GB keep constants behind the flatbuffer; `size` says how much.
    outside = 0 if buffer is None else int(buffer.size or 0)
    return AuditTensor(
        index=index,
        name=_text(table.name) or f"tensor{index}",
        type=_TYPES.get(table.type, f"type {table.type}"),
        shape=shape,
        signature=None if table.shapeSignature is None else _integers(table.shapeSignature),
        scales=tuple(float(value) for value in scales),
        zero_points=() if quantization is None else _integers(quantization.zeroPoint),
        axis=0 if quantization is None else int(quantization.quantizedDimension),
        constant_bytes=outside if content is None else len(content),
        is_variable=bool(table.isVariable),
    )


def _operator(model: Any, table: Any, number: int) -> AuditOperator:
    code = model.operatorCodes[table.opcodeIndex]
    # Files from before 2020 only have the one-byte code.
    opcode = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    is_custom = opcode == schema.BuiltinOperator.CUSTOM
    kind = _text(code.customCode) or "CUSTOM" if is_custom else _OPERATORS.get(opcode, f"opcode {opcode}")
    return AuditOperator(
        number=number,
        kind=kind,
        is_custom=is_custom,
        inputs=_integers(table.inputs),
        outputs=_integers(table.outputs),
        intermediates=_integers(table.intermediates),
        options=table.builtinOptions,
    )
