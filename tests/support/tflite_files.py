""".tflite files made by hand, and surgery on finished ones: what converters do wrong, without the converters."""

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = schema.TensorType
OPS = schema.BuiltinOperator
OPTIONS = schema.BuiltinOptions


def unpack(content: bytes) -> Any:
    """The schema's object tree of a file."""
    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def pack(model: Any) -> bytes:
    """The file of an object tree."""
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class FileMaker:
    """Adds tensors and operators to one subgraph; nothing is checked."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.subgraph = schema.SubGraphT()
        self.subgraph.tensors = []
        self.subgraph.operators = []
        self.model.subgraphs = [self.subgraph]

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: int = TYPES.INT8,
        *,
        scale: float | Sequence[float] | None = 0.05,
        zero: int = 0,
        axis: int = 0,
        data: Any = None,
    ) -> int:
        """A tensor; its index."""
        table = schema.TensorT()
        table.name = name
        table.shape = np.array(shape, np.int32)
        table.type = kind
        table.buffer = 0
        if scale is not None:
            scales = np.atleast_1d(np.array(scale, np.float32))
            table.quantization = schema.QuantizationParametersT()
            table.quantization.scale = scales
            table.quantization.zeroPoint = np.full(len(scales), zero, np.int64)
            table.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            table.buffer = len(self.model.buffers) - 1
        self.subgraph.tensors.append(table)
        return len(self.subgraph.tensors) - 1

    def operator(
        self,
        opcode: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        *,
        custom: str | None = None,
        **fields: Any,
    ) -> None:
        """An operator; `options` is the name of its options table without "Options"."""
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = opcode, min(opcode, 127), 1
        code.customCode = custom
        self.model.operatorCodes.append(code)
        table = schema.OperatorT()
        table.opcodeIndex = len(self.model.operatorCodes) - 1
        table.inputs, table.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        if options:
            table.builtinOptionsType = getattr(OPTIONS, f"{options}Options")
            table.builtinOptions = getattr(schema, f"{options}OptionsT")()
            for name, value in fields.items():
                setattr(table.builtinOptions, name, value)
        self.subgraph.operators.append(table)

    def convolution(
        self,
        source: int,
        output: int,
        shape: Sequence[int],
        *,
        scales: Sequence[float] | None = None,
        zero: int = 0,
        bias_scale: float | None = None,
    ) -> None:
        """CONV_2D with stride 1 and SAME padding, weights (out, 1, kernel, in / groups)."""
        wide = scales if scales is not None else [0.01] * shape[0]
        weights = self.tensor(
            f"w{output}", shape, scale=wide, zero=zero, data=np.arange(np.prod(shape)).astype(np.int8)
        )
        given = np.float32(0.05) * np.float32(wide) if bias_scale is None else [bias_scale] * len(wide)
        bias = self.tensor(
            f"b{output}", (shape[0],), TYPES.INT32, scale=given, data=np.arange(shape[0], dtype=np.int32)
        )
        self.operator(
            OPS.CONV_2D, [source, weights, bias], [output], "Conv2D", strideH=1, strideW=1,
            dilationHFactor=1, dilationWFactor=1,
        )  # fmt: skip

    def content(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The finished file."""
        self.subgraph.inputs = np.array(inputs, np.int32)
        self.subgraph.outputs = np.array(outputs, np.int32)
        return pack(self.model)


def small_network(**convolution: Any) -> tuple[FileMaker, int, int]:
    """One convolution, 4 channels to 6, over 8 positions: (maker, input, output)."""
    maker = FileMaker()
    source = maker.tensor("x", (1, 1, 8, 4))
    output = maker.tensor("y", (1, 1, 8, 6), scale=0.1)
    maker.convolution(source, output, (6, 1, 3, 4), **convolution)
    return maker, source, output
