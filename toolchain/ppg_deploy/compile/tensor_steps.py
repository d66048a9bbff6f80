"""Steps that move, reduce, multiply or normalise whole activations."""

from dataclasses import dataclass

from ppg_deploy.compile.steps import Codes, ElementwiseStep, Step


@dataclass(frozen=True, eq=False, kw_only=True)
class TransposeStep(Step):
    """TRANSPOSE: per axis of the output (size, distance of neighbours in the input)."""

    axes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class DifferenceStep(ElementwiseStep):
    """SUB or SQUARED_DIFFERENCE; `factors` are (multiplier, shift) of left, right and output."""

    factors: tuple[tuple[int, int], ...]
    squared: bool


@dataclass(frozen=True, eq=False, kw_only=True)
class ReduceStep(Step):
    """MEAN or SUM: (size, distance of neighbours in the input) of each axis kept and of each axis summed."""

    kept: tuple[tuple[int, int], ...]
    summed: tuple[tuple[int, int], ...]
    factor: tuple[int, int]
    input_zero: int
    output_zero: int


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchMatMulStep(Step):
    """BATCH_MATMUL; an operand is turned when its summed axis is not the inner one.

    `constants` holds the codes of each operand that is not an activation.
    """

    batches: int
    rows: int
    columns: int
    summed: int
    turn_first: bool
    turn_second: bool
    constants: tuple[Codes | None, Codes | None]
    first_zero: int
    second_zero: int
    output_zero: int
    factor: tuple[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class L2NormStep(Step):
    """L2_NORMALIZATION of `rows` vectors of `depth` codes."""

    rows: int
    depth: int
    input_zero: int
