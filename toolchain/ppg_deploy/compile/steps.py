"""The steps that a compiled model runs, one after the other: what to compute, not yet how."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import DType

Codes = NDArray[np.int8]
# int8 or int16, as the step's `codes`.
AnyCodes = NDArray[np.signedinteger]


@dataclass(frozen=True)
class Image:
    """Rows, columns and channels of an activation."""

    rows: int
    columns: int
    channels: int

    @property
    def size(self) -> int:
        """Number of codes."""
        return self.rows * self.columns * self.channels


@dataclass(frozen=True)
class Window:
    """How a kernel moves over an image; every pair is (rows, columns)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def is_padded(self) -> bool:
        """True when some window looks beyond the border."""
        return any(self.before) or any(self.after)


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """Base of all steps.

    `inputs` and `output` name storage, not tensors: a RESHAPE is no step, its output is its input's storage.
    `operators` are the numbers of the graph's operators that this step computes; `codes` is the type of activations.
    """

    operators: tuple[int, ...]
    kind: str
    name: str
    inputs: tuple[str, ...]
    output: str
    output_bytes: int
    macs: int = 0
    low: int = -128
    high: int = 127
    codes: DType = DType.INT8


@dataclass(frozen=True, eq=False, kw_only=True)
class WeightedStep(Step):
    """A step that requantises sums of products.

    `weights` int8 (out, kernel_rows, kernel_columns, in / groups), depthwise (out, kernel_rows, kernel_columns, 1),
    dense (out, 1, 1, in); `bias` int64 (out,), for int8 codes with int32 values; `multipliers` (multiplier, shift) per
    output channel.
    """

    weights: Codes
    bias: NDArray[np.int64]
    multipliers: tuple[tuple[int, int], ...]
    input_zero: int
    output_zero: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ConvolutionStep(WeightedStep):
    """CONV_2D with its padding spelt out, or a dense layer over several positions."""

    source: Image
    target: Image
    window: Window
    groups: int


@dataclass(frozen=True, eq=False, kw_only=True)
class DepthwiseStep(WeightedStep):
    """DEPTHWISE_CONV_2D with its padding spelt out."""

    source: Image
    target: Image
    window: Window
    depth_multiplier: int


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseStep(WeightedStep):
    """FULLY_CONNECTED at one position."""


class Pooling(Enum):
    """What a pool computes of its windows."""

    AVERAGE = "average"
    MAX = "max"


@dataclass(frozen=True, eq=False, kw_only=True)
class PoolStep(Step):
    """AVERAGE_POOL_2D or MAX_POOL_2D."""

    pooling: Pooling
    source: Image
    target: Image
    window: Window


@dataclass(frozen=True, eq=False)
class Operand:
    """An operand of ADD or MUL; `shape` has 4 axes, `data` is set for a constant."""

    shape: tuple[int, ...]
    zero: int
    data: AnyCodes | None


@dataclass(frozen=True, eq=False, kw_only=True)
class ElementwiseStep(Step):
    """ADD or MUL of two operands; `inputs` names only those that are not constant."""

    left: Operand
    right: Operand
    shape: tuple[int, ...]
    output_zero: int


@dataclass(frozen=True, eq=False, kw_only=True)
class AddStep(ElementwiseStep):
    """`factors` are (multiplier, shift) of the left and the right operand and of the output."""

    factors: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class MulStep(ElementwiseStep):
    """`factor` is (multiplier, shift) of the product."""

    factor: tuple[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class PadStep(Step):
    """PAD along rows, columns, channels: (before, after) each."""

    source: Image
    pads: tuple[tuple[int, int], ...]
    value: int


@dataclass(frozen=True, eq=False, kw_only=True)
class LookupStep(Step):
    """A function of one code, applied to every code of the input: `table` holds its value for -128 to 127."""

    table: Codes


@dataclass(frozen=True, eq=False, kw_only=True)
class SoftmaxStep(Step):
    """SOFTMAX of each row of `columns` codes.

    `exponentials` int64 with int32 values: exp of each difference from the row's largest code, 0 first, in units of
    2^-31; differences beyond the last one count as zero.
    """

    rows: int
    columns: int
    exponentials: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class CopyStep(Step):
    """The model's output is its input, unchanged."""
