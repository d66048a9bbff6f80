"""Operators of the graph, with TensorFlow Lite's semantics (NHWC, SAME/VALID padding, fused activation).

Each operator names its tensors: `inputs` (constants included, "" for an absent optional input) and `outputs`.
Convolutions and dense layers have inputs (activation, weights, bias).
Weight layouts: Conv2D (out, kernel_h, kernel_w, in / groups); DepthwiseConv2D (1, kernel_h, kernel_w, out);
FullyConnected (out, in).
"""

from dataclasses import dataclass
from enum import Enum


class Padding(Enum):
    """TensorFlow Lite's two paddings. SAME puts the odd element at the end."""

    SAME = "SAME"
    VALID = "VALID"


class Activation(Enum):
    """Activation fused into an operator: a clamp of its output."""

    NONE = "NONE"
    RELU = "RELU"
    RELU6 = "RELU6"


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Base: tensor names only."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Name of the operator as TensorFlow Lite spells it, e.g. CONV_2D."""
        return TFLITE_NAMES[type(self)]

    @property
    def output(self) -> str:
        """The only output."""
        return self.outputs[0]


@dataclass(frozen=True, kw_only=True)
class Conv2D(Operator):
    """Convolution; more than one group when weights.shape[3] < input channels."""

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(Operator):
    """Depthwise convolution: output channel c * depth_multiplier + m reads input channel c."""

    depth_multiplier: int = 1
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class FullyConnected(Operator):
    """Dense layer over the flattened input."""

    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class Add(Operator):
    """Elementwise sum of two tensors, numpy broadcasting."""

    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class Mul(Operator):
    """Elementwise product of two tensors, numpy broadcasting."""

    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class Pool2D(Operator):
    """Common part of the two pools."""

    filter: tuple[int, int]
    stride: tuple[int, int]
    padding: Padding = Padding.VALID
    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class AveragePool2D(Pool2D):
    """Mean over the valid positions of each window."""


@dataclass(frozen=True, kw_only=True)
class MaxPool2D(Pool2D):
    """Maximum over the valid positions of each window."""


@dataclass(frozen=True, kw_only=True)
class Pad(Operator):
    """Zero padding; `pads` holds (before, after) per axis. int8: the zero point is written."""

    pads: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Reshape(Operator):
    """Same bytes, shape of the output tensor."""


@dataclass(frozen=True, kw_only=True)
class StridedSlice(Operator):
    """Indices begin, begin + stride, ... below end of every axis; none is negative, strides are positive.

    The output lacks the `dropped` axes, of which one index is taken.
    """

    begin: tuple[int, ...]
    end: tuple[int, ...]
    strides: tuple[int, ...]
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Concatenation(Operator):
    """All inputs one behind the other along `axis` (0 is the batch)."""

    axis: int


@dataclass(frozen=True, kw_only=True)
class UnidirectionalSequenceLstm(Operator):
    """LSTM over (1, steps, features) -> (1, steps, units) that starts every window from zero state.

    inputs: the sequence, then weights (units, features), recurrent weights (units, units) and biases (units,), each
    for the gates input, forget, cell, output. outputs: the hidden states, and the cell states (1, steps, units), which
    no operator reads: they carry the range and, in int8 graphs, the int16 scale (a power of two) of the cell.
    """

    @property
    def input_weights(self) -> tuple[str, ...]:
        """Weights of the sequence per gate."""
        return self.inputs[1:5]

    @property
    def recurrent_weights(self) -> tuple[str, ...]:
        """Weights of the hidden state per gate."""
        return self.inputs[5:9]

    @property
    def biases(self) -> tuple[str, ...]:
        """Biases per gate."""
        return self.inputs[9:13]

    @property
    def cell(self) -> str:
        """The cell states."""
        return self.outputs[1]


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Axis i of the output is axis permutation[i] of the input."""

    permutation: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Sub(Operator):
    """Elementwise first - second, numpy broadcasting."""

    activation: Activation = Activation.NONE


@dataclass(frozen=True, kw_only=True)
class SquaredDifference(Operator):
    """Elementwise (first - second) ** 2, numpy broadcasting."""


@dataclass(frozen=True, kw_only=True)
class Reduction(Operator):
    """Common part of MEAN and SUM: `axes` are non-negative and ascending."""

    axes: tuple[int, ...]
    keep_dims: bool = True


@dataclass(frozen=True, kw_only=True)
class Mean(Reduction):
    """Mean over some axes."""


@dataclass(frozen=True, kw_only=True)
class Sum(Reduction):
    """Sum over some axes."""


@dataclass(frozen=True, kw_only=True)
class BatchMatMul(Operator):
    """Matrix product over the last two axes; an adjoint operand has them swapped."""

    adjoint_first: bool = False
    adjoint_second: bool = False


@dataclass(frozen=True, kw_only=True)
class L2Normalization(Operator):
    """Divides by the root of the sum of squares along the last axis; int8 output is in steps of 1/128.

    `epsilon` is added to the sum of squares in float graphs only: the int8 kernel sums codes and has none.
    """

    epsilon: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Unary(Operator):
    """A function of one number, applied to every element: the output has the input's shape."""


@dataclass(frozen=True, kw_only=True)
class Relu(Unary):
    """Maximum with zero, standing alone. In int8 it may rescale; fused clamps are `Activation`."""


@dataclass(frozen=True, kw_only=True)
class Relu6(Unary):
    """Clamp to [0, 6], standing alone. In int8 input and output share their parameters."""


@dataclass(frozen=True, kw_only=True)
class LeakyRelu(Unary):
    """x where x >= 0, alpha * x elsewhere."""

    alpha: float


@dataclass(frozen=True, kw_only=True)
class Elu(Unary):
    """x where x >= 0, exp(x) - 1 elsewhere."""


@dataclass(frozen=True, kw_only=True)
class HardSwish(Unary):
    """x * min(max(x + 3, 0), 6) / 6."""


@dataclass(frozen=True, kw_only=True)
class Logistic(Unary):
    """1 / (1 + exp(-x)). In int8 the output has scale 1/256 and zero point -128."""


@dataclass(frozen=True, kw_only=True)
class Tanh(Unary):
    """Hyperbolic tangent. In int8 the output has scale 1/128 and zero point 0."""


@dataclass(frozen=True, kw_only=True)
class Gelu(Unary):
    """x * Phi(x), or its approximation by a hyperbolic tangent. TFLM has no kernel for it."""

    approximate: bool = False


@dataclass(frozen=True, kw_only=True)
class Rsqrt(Unary):
    """1 / sqrt(x) of values above zero."""


@dataclass(frozen=True, kw_only=True)
class Softmax(Operator):
    """exp(beta * x) along the last axis, divided by its sum. In int8: scale 1/256, zero point -128."""

    beta: float = 1.0


TFLITE_NAMES: dict[type[Operator], str] = {
    Conv2D: "CONV_2D",
    DepthwiseConv2D: "DEPTHWISE_CONV_2D",
    FullyConnected: "FULLY_CONNECTED",
    Add: "ADD",
    Mul: "MUL",
    AveragePool2D: "AVERAGE_POOL_2D",
    MaxPool2D: "MAX_POOL_2D",
    Pad: "PAD",
    Reshape: "RESHAPE",
    StridedSlice: "STRIDED_SLICE",
    Concatenation: "CONCATENATION",
    UnidirectionalSequenceLstm: "UNIDIRECTIONAL_SEQUENCE_LSTM",
    Transpose: "TRANSPOSE",
    Sub: "SUB",
    SquaredDifference: "SQUARED_DIFFERENCE",
    Mean: "MEAN",
    Sum: "SUM",
    Rsqrt: "RSQRT",
    BatchMatMul: "BATCH_MATMUL",
    L2Normalization: "L2_NORMALIZATION",
    Relu: "RELU",
    Relu6: "RELU6",
    LeakyRelu: "LEAKY_RELU",
    Elu: "ELU",
    HardSwish: "HARD_SWISH",
    Logistic: "LOGISTIC",
    Tanh: "TANH",
    Gelu: "GELU",
    Softmax: "SOFTMAX",
}
