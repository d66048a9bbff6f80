"""Graph -> TensorFlow Lite flatbuffer."""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from ppg_deploy.graph import DType, Graph, Quantization, Tensor
from ppg_deploy.graph.operators import (
    FullyConnected,
    Operator,
    Pad,
    Reduction,
    Reshape,
    StridedSlice,
    Transpose,
    UnidirectionalSequenceLstm,
)
from ppg_deploy.tflite.codecs import BY_OPERATOR, INT16_VERSIONS
from ppg_deploy.tflite.recurrent import LSTM_STATES, lstm_inputs

_TYPES = {
    DType.FLOAT32: schema.TensorType.FLOAT32,
    DType.INT8: schema.TensorType.INT8,
    DType.INT16: schema.TensorType.INT16,
    DType.INT32: schema.TensorType.INT32,
    DType.INT64: schema.TensorType.INT64,
}
_FILE_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
# FULLY_CONNECTED with one scale per output channel is a newer revision of the operator.
_PER_CHANNEL_DENSE_VERSION = 12


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A constant aligned to 16 bytes as schema.fbs demands; the generated packer ignores force_align."""

    def Pack(self, builder: Any) -> Any:  # noqa: N802 (name given by flatbuffers)
        content = self.data.tobytes()
        builder.StartVector(1, len(content), 16)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _quantization(quantization: Quantization) -> Any:
    table = schema.QuantizationParametersT()
    table.scale = np.array(quantization.scale, np.float32)
    table.zeroPoint = np.array(quantization.zero_point, np.int64)
    table.quantizedDimension = quantization.axis or 0
    return table


class _ModelBuilder:
    """Collects tensors, buffers and operator codes in the order in which operators name them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        # TensorFlow Lite reserves buffer 0 for "no data".
        self.buffers: list[Any] = [schema.BufferT()]
        self.tensors: list[Any] = []
        self.indices: dict[str, int] = {}
        self.codes: dict[tuple[int, int], int] = {}

    def tensor(self, tensor: Tensor) -> int:
        if tensor.name in self.indices:
            return self.indices[tensor.name]
        table = schema.TensorT()
        table.name = tensor.name
        table.shape = np.array(tensor.shape, np.int32)
        table.type = _TYPES[tensor.dtype]
        table.buffer = 0
        if tensor.quantization is not None:
            table.quantization = _quantization(tensor.quantization)
        if tensor.data is not None:
            buffer = _AlignedBuffer()
            buffer.data = np.ascontiguousarray(tensor.data).astype(tensor.dtype.numpy.newbyteorder("<"))
            table.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.indices[tensor.name] = len(self.tensors)
        self.tensors.append(table)
        return self.indices[tensor.name]

    def _extra_inputs(self, operator: Operator) -> list[int]:
        if isinstance(operator, Pad):
            values = np.array(operator.pads, np.int32)
        elif isinstance(operator, Reshape):
            values = np.array(self.graph.tensors[operator.output].shape, np.int32)
        elif isinstance(operator, StridedSlice):
            bounds = {"begin": operator.begin, "end": operator.end, "strides": operator.strides}
            return [
                self._numbers(f"{operator.output}/{name}", np.array(bound, np.int32))
                for name, bound in bounds.items()
            ]
        elif isinstance(operator, Transpose):
            values = np.array(operator.permutation, np.int32)
        elif isinstance(operator, Reduction):
            values = np.array(operator.axes, np.int32)
        else:
            return []
        return [self._numbers(f"{operator.output}/{operator.kind.lower()}", values)]

    def _numbers(self, name: str, values: NDArray[np.int32]) -> int:
        return self.tensor(Tensor(name, values.shape, DType.INT32, data=values))

    def _inputs(self, operator: Operator) -> list[int]:
        if isinstance(operator, UnidirectionalSequenceLstm):
            inputs = lstm_inputs(self.graph, operator)
            indices = [-1 if tensor is None else self.tensor(tensor) for tensor in inputs]
            for state in LSTM_STATES:
                self.tensors[indices[state]].isVariable = True
            return indices
        named = [self.tensor(self.graph.tensors[name]) if name else -1 for name in operator.inputs]
        return named + self._extra_inputs(operator)

    def _code(self, operator: Operator) -> int:
        codec = BY_OPERATOR[type(operator)]
        version = codec.version
        if self._is_int16(operator):
            version = INT16_VERSIONS.get(type(operator), version)
        if isinstance(operator, FullyConnected):
            weights = self.graph.tensors[operator.inputs[1]]
            if weights.quantization is not None and weights.quantization.per_channel:
                version = _PER_CHANNEL_DENSE_VERSION
        return self.codes.setdefault((codec.opcode, version), len(self.codes))

    def _is_int16(self, operator: Operator) -> bool:
        return self.graph.tensors[operator.output].dtype is DType.INT16

    def operator(self, operator: Operator) -> Any:
        codec = BY_OPERATOR[type(operator)]
        table = schema.OperatorT()
        table.opcodeIndex = self._code(operator)
        table.inputs = np.array(self._inputs(operator), np.int32)
        # An LSTM's second output stands for its cell state, which is an input in the file.
        outputs = (
            operator.outputs[:1] if isinstance(operator, UnidirectionalSequenceLstm) else operator.outputs
        )
        table.outputs = np.array([self.tensor(self.graph.tensors[name]) for name in outputs], np.int32)
        table.builtinOptionsType = codec.options_type
        table.builtinOptions = codec.options(operator)
        return table

    def operator_codes(self) -> list[Any]:
        tables = []
        for opcode, version in self.codes:
            table = schema.OperatorCodeT()
            table.builtinCode = opcode
            table.deprecatedBuiltinCode = min(opcode, 127)
            table.version = version
            tables.append(table)
        return tables


def write_tflite(graph: Graph) -> bytes:
    """Serialise a float, int8 or int16 graph; the same graph always gives the same bytes.

    Source: tensorflow/compiler/mlir/lite/schema/schema.fbs.
    """
    builder = _ModelBuilder(graph)
    inputs = [builder.tensor(graph.tensors[name]) for name in graph.inputs]
    operators = [builder.operator(operator) for operator in graph.operators]
    subgraph = schema.SubGraphT()
    subgraph.name = graph.name
    subgraph.inputs = np.array(inputs, np.int32)
    subgraph.outputs = np.array([builder.tensor(graph.tensors[name]) for name in graph.outputs], np.int32)
    subgraph.tensors = builder.tensors
    subgraph.operators = operators
    model = schema.ModelT()
    model.version = _SCHEMA_VERSION
    model.description = "ppg-deploy"
    model.operatorCodes = builder.operator_codes()
    model.subgraphs = [subgraph]
    model.buffers = builder.buffers
    flatbuffer = flatbuffers.Builder(1024)
    flatbuffer.Finish(model.Pack(flatbuffer), _FILE_IDENTIFIER)
    return bytes(flatbuffer.Output())
