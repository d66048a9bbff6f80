"""TensorFlow Lite files as strangers write them, put together from the schema without our writer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray


@dataclass
class TfliteFile:
    """One subgraph; `tensor` and `operator` append to it."""

    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])

    def tensor(
        self,
        shape: Sequence[int],
        kind: int = schema.TensorType.INT8,
        scale: float | None = 0.1,
        zero_point: int = 0,
        data: NDArray[Any] | None = None,
    ) -> int:
        """Index of a new tensor."""
        table = schema.TensorT()
        table.name = f"t{len(self.tensors)}"
        table.shape = np.array(shape, np.int32)
        table.type = kind
        table.buffer = 0
        if scale is not None:
            table.quantization = schema.QuantizationParametersT()
            table.quantization.scale = np.array([scale], np.float32)
            table.quantization.zeroPoint = np.array([zero_point], np.int64)
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            table.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(table)
        return len(self.tensors) - 1

    def numbers(self, values: Sequence[int]) -> int:
        """Index of an int32 constant."""
        return self.tensor(
            (len(values),), schema.TensorType.INT32, scale=None, data=np.array(values, np.int32)
        )

    def operator(
        self,
        opcode: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options_type: int = schema.BuiltinOptions.NONE,
        options: Any = None,
        version: int = 2,
    ) -> None:
        """Append an operator."""
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = opcode, min(opcode, 127), version
        self.codes.append(code)
        table = schema.OperatorT()
        table.opcodeIndex = len(self.codes) - 1
        table.inputs, table.outputs = np.array(inputs, np.int32), np.array(outputs, np.int32)
        table.builtinOptionsType, table.builtinOptions = options_type, options
        self.operators.append(table)

    def content(self, source: int, output: int) -> bytes:
        """The finished file."""
        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs = np.array([source], np.int32), np.array([output], np.int32)
        model = schema.ModelT()
        model.version = 3
        model.operatorCodes, model.subgraphs, model.buffers = self.codes, [subgraph], self.buffers
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
