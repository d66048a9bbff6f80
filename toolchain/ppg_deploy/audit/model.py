"""A .tflite as the audit sees it: facts only, wrong ones included, constants by their size alone."""

from dataclasses import dataclass
from math import prod
from typing import Any

FLOAT_TYPES = frozenset({"FLOAT16", "FLOAT32", "FLOAT64", "BFLOAT16", "COMPLEX64", "COMPLEX128"})
ACTIVATION_TYPES = frozenset({"INT8", "INT16"})
# Operators with weights: position of the weights, and the axis of the output channels in them.
# Source: TensorFlow Lite 8-bit quantization specification.
WEIGHTS: dict[str, tuple[int, int]] = {
    "CONV_2D": (1, 0),
    "DEPTHWISE_CONV_2D": (1, 3),
    "FULLY_CONNECTED": (1, 0),
    "TRANSPOSE_CONV": (1, 0),
}
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
# No operator of a .tflite file takes longer shapes; sizes beyond any memory stop being added up here.
HUGE = 1 << 48


@dataclass(frozen=True)
class AuditTensor:
    """One tensor of the first subgraph.

    `type` is the schema's name of the element type. `constant_bytes` is the size of its buffer, 0 for activations.
    `signature` is the shape with -1 for dynamic axes, None when the file has none.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    signature: tuple[int, ...] | None
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    constant_bytes: int
    is_variable: bool

    @property
    def is_constant(self) -> bool:
        """True when the file holds its contents."""
        return self.constant_bytes > 0

    @property
    def size(self) -> int:
        """Number of elements; 0 when an axis is empty or negative."""
        return min(prod(self.shape), HUGE) if all(size > 0 for size in self.shape) else 0

    @property
    def byte_size(self) -> int:
        """Bytes of all elements; 0 for types without a fixed width."""
        return -(-self.size * BITS.get(self.type, 0) // 8)


# Bits per element. Source: tensorflow/compiler/mlir/lite/schema/schema.fbs.
BITS = {
    "INT2": 2,
    "INT4": 4,
    "INT8": 8,
    "UINT8": 8,
    "BOOL": 8,
    "INT16": 16,
    "UINT16": 16,
    "FLOAT16": 16,
    "BFLOAT16": 16,
    "INT32": 32,
    "UINT32": 32,
    "FLOAT32": 32,
    "INT64": 64,
    "UINT64": 64,
    "FLOAT64": 64,
    "COMPLEX64": 64,
    "COMPLEX128": 128,
}


@dataclass(frozen=True)
class AuditOperator:
    """One operator of the first subgraph; tensors by index, -1 for an absent optional input.

    `kind` is the schema's name, or the custom operator's own one with `is_custom` True. `intermediates` hold
    only the quantisation of an LSTM's inner sums. `options` is the schema's options object or None.
    """

    number: int
    kind: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options: Any

    @property
    def label(self) -> str:
        """Number and kind for messages."""
        return f"operator {self.number} ({self.kind})"


@dataclass(frozen=True)
class AuditModel:
    """The first subgraph and what the file says besides."""

    file_bytes: int
    subgraphs: int
    tensors: tuple[AuditTensor, ...]
    operators: tuple[AuditOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def tensor(self, index: int) -> AuditTensor | None:
        """The tensor of this index; None for an absent input or an index that the file does not have."""
        return self.tensors[index] if 0 <= index < len(self.tensors) else None

    def input(self, operator: AuditOperator, position: int) -> AuditTensor | None:
        """Input `position` of an operator; None when there is none."""
        return self.tensor(operator.inputs[position]) if position < len(operator.inputs) else None

    def output(self, operator: AuditOperator) -> AuditTensor | None:
        """The first output of an operator; None when there is none."""
        return self.tensor(operator.outputs[0]) if operator.outputs else None

    def weights(self, operator: AuditOperator) -> tuple[AuditTensor, int] | None:
        """Weights and their channel axis; None for an operator without weights."""
        position, axis = WEIGHTS.get(operator.kind, (-1, 0))
        tensor = self.input(operator, position) if position >= 0 else None
        return None if tensor is None else (tensor, axis)

    @property
    def used(self) -> frozenset[int]:
        """Indices of the tensors that an operator, the inputs or the outputs name."""
        named = {index for operator in self.operators for index in (*operator.inputs, *operator.outputs)}
        return frozenset(named | set(self.inputs) | set(self.outputs))

    @property
    def dead(self) -> tuple[AuditTensor, ...]:
        """Tensors that nothing names, not even as an intermediate."""
        named = self.used.union(*(operator.intermediates for operator in self.operators))
        return tuple(tensor for tensor in self.tensors if tensor.index not in named)

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constants that are used."""
        used = self.used
        return sum(tensor.constant_bytes for tensor in self.tensors if tensor.index in used)
