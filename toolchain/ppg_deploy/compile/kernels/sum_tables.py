"""ADD of two activations of the same shape by a table each: ppg_sum_tables.h."""

import functools

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.kernels.equal_shapes import has_equal_shapes
from ppg_deploy.compile.lines import CODES
from ppg_deploy.compile.steps import AddStep, Step
from ppg_deploy.graph.arithmetic import ADD_LEFT_SHIFT, multiply_by_quantized_multiplier

_FRACTION = 21
_LARGEST_WORD = (1 << 31) - 1
_FAR = 1 << 50
Wide = NDArray[np.int64]


class SumTables(Kernel):
    """ADD: what either operand contributes comes from a table; proven by trying all pairs of codes."""

    name = "sum_tables"
    header = "ppg_sum_tables.h"
    files = ("ppg_sum_tables.c", "ppg_sum_tables.h")
    code_bytes = 364

    def matches(self, step: Step) -> bool:
        """True when there are such tables."""
        return isinstance(step, AddStep) and has_equal_shapes(step) and _tables_of(step) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Both operands: codes are read before their place is written."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Blocks of 8 codes, and the second pass of a clamp."""
        blocks, rest = divmod(step.output_bytes, 8)
        return round(90 + 66 * blocks + 15 * rest + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_sum_tables."""
        assert isinstance(step, AddStep)
        del in_place
        tables = _tables_of(step)
        assert tables is not None
        first, second = (np.roll(table, 128).astype(np.int32) for table in tables)
        parameters = Structure(
            "ppg_sum_tables_t",
            {
                "first": Array("first", first),
                "second": Array("second", second),
                "count": step.output_bytes,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_sum_tables", parameters, (0, 1))


def _tables_of(step: AddStep) -> tuple[Wide, Wide] | None:
    return _found((step.left.zero, step.right.zero), step.factors, step.output_zero)


# All pieces of a step share one search.
@functools.lru_cache(maxsize=64)
def _found(
    zeros: tuple[int, int], factors: tuple[tuple[int, int], ...], output_zero: int
) -> tuple[Wide, Wide] | None:
    """What the codes of the left and of the right operand add, such that all 65,536 sums are right; or None."""
    left, right = (
        multiply_by_quantized_multiplier((CODES - zero) << ADD_LEFT_SHIFT, *factor)
        for zero, factor in zip(zeros, factors, strict=False)
    )
    sums = left + right[:, None]
    multiplier, shift = factors[2]
    if np.abs(sums).max() << max(shift, 0) > _LARGEST_WORD:
        return None
    codes = np.clip(multiply_by_quantized_multiplier(sums, multiplier, shift) + output_zero, -128, 127)
    # The left operand adds its share, rounded; for each right code there is room for what all left codes allow.
    table = np.round(left * (float(multiplier) * 2.0 ** (shift - 31 + _FRACTION))).astype(np.int64)
    low = (np.where(codes > -128, codes << _FRACTION, -_FAR) - table).max(axis=1)
    high = (np.where(codes < 127, ((codes + 1) << _FRACTION) - 1, _FAR) - table).min(axis=1)
    if np.any(low > high):
        return None
    # Rows that are cut everywhere are bounded on one side.
    other = np.where(low < -_FAR // 2, high, np.where(high > _FAR // 2, low, (low + high) >> 1))
    largest = max(np.abs(table).max(), np.abs(other).max(), np.abs(table + other[:, None]).max())
    return (table, other) if largest <= _LARGEST_WORD else None
