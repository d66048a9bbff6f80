"""ADD and MUL of two activations of the same shape: ppg_sum.h, ppg_product.h."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.lines import CODES
from ppg_deploy.compile.requantize import has_short_form, short_factor
from ppg_deploy.compile.steps import AddStep, ElementwiseStep, MulStep, Step
from ppg_deploy.graph.arithmetic import ADD_LEFT_SHIFT, multiply_by_quantized_multiplier

_FRACTION = 22
_LARGEST_WORD = (1 << 31) - 1
_FAR = 1 << 50
_ATTEMPTS = 20
Wide = NDArray[np.int64]


def has_equal_shapes(step: ElementwiseStep) -> bool:
    """Two activations, none of them repeated."""
    both_variable = step.left.data is None and step.right.data is None
    return both_variable and step.left.shape == step.right.shape == step.shape


class Sum(Kernel):
    """ADD: a multiplication for one operand, a table for the other; proven by trying all pairs of codes."""

    name = "sum"
    header = "ppg_sum.h"
    files = ("ppg_sum.c", "ppg_sum.h")
    code_bytes = 360

    def matches(self, step: Step) -> bool:
        """True when one of the operands may be multiplied."""
        return isinstance(step, AddStep) and has_equal_shapes(step) and _addends(step) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Both operands: codes are read before their place is written."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Blocks of 8 codes, and the second pass of a clamp."""
        blocks, rest = divmod(step.output_bytes, 8)
        return round(90 + 57 * blocks + 14 * rest + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_sum."""
        assert isinstance(step, AddStep)
        del in_place
        addends = _addends(step)
        assert addends is not None
        parameters = Structure(
            "ppg_sum_t",
            {
                "table": Array("table", np.roll(addends.table, 128).astype(np.int32)),
                "slope": addends.slope,
                "count": step.output_bytes,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_sum", parameters, (1, 0) if addends.swapped else (0, 1))


class Product(Kernel):
    """MUL with the proven form of the requantisation."""

    name = "product"
    header = "ppg_product.h"
    files = ("ppg_product.c", "ppg_product.h")
    code_bytes = 370

    def matches(self, step: Step) -> bool:
        """True when the factor has the short form; products stay below 2^17."""
        return isinstance(step, MulStep) and has_equal_shapes(step) and has_short_form(*step.factor)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Both operands: codes are read before their place is written."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Blocks of 4 codes, and the second pass of a clamp."""
        blocks, rest = divmod(step.output_bytes, 4)
        return round(100 + 42 * blocks + 16 * rest + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_product."""
        assert isinstance(step, MulStep)
        del in_place
        parameters = Structure(
            "ppg_product_t",
            {
                "first_zero": step.left.zero,
                "second_zero": step.right.zero,
                "factor": short_factor(*step.factor, step.output_zero).fields,
                "count": step.output_bytes,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_product", parameters, (0, len(step.inputs) - 1))


@dataclass(frozen=True, eq=False)
class _Addends:
    """ADD as cut((slope * first + table[second]) >> 22); `swapped` when `first` is the step's right operand."""

    slope: int
    table: Wide
    swapped: bool


def _addends(step: AddStep) -> _Addends | None:
    return _found((step.left.zero, step.right.zero), step.factors, step.output_zero)


# All pieces of a step, and blocks with the same scales, share one search.
@functools.lru_cache(maxsize=64)
def _found(zeros: tuple[int, int], factors: tuple[tuple[int, int], ...], output_zero: int) -> _Addends | None:
    left, right = (
        multiply_by_quantized_multiplier((CODES - zero) << ADD_LEFT_SHIFT, *factor)
        for zero, factor in zip(zeros, factors, strict=False)
    )
    sums = left + right[:, None]
    multiplier, shift = factors[2]
    if np.abs(sums).max() << max(shift, 0) > _LARGEST_WORD:
        return None
    codes = np.clip(multiply_by_quantized_multiplier(sums, multiplier, shift) + output_zero, -128, 127)
    of_sum = float(multiplier) * 2.0 ** (shift - 31)
    for swapped, outputs, first in ((False, codes, left), (True, codes.T, right)):
        found = _line_and_table(outputs, of_sum * float(first[-1] - first[0]) / 255)
        if found is not None:
            return _Addends(*found, swapped)
    return None


def _line_and_table(outputs: Wide, wished: float) -> tuple[int, Wide] | None:
    """Slope and table for the codes (of the table's operand, of the multiplied operand), or None."""
    lowest = np.where(outputs > -128, outputs << _FRACTION, -_FAR)
    highest = np.where(outputs < 127, ((outputs + 1) << _FRACTION) - 1, _FAR)
    slope = round(wished * (1 << _FRACTION))
    for _ in range(_ATTEMPTS):
        if abs(slope) > _LARGEST_WORD:
            return None
        least, most = lowest - slope * CODES, highest - slope * CODES
        low, high = least.max(axis=1), most.min(axis=1)
        row = int((low - high).argmax())
        missing = int(low[row] - high[row])
        if missing <= 0:
            return _words(slope, low, high)
        distance = int(least[row].argmax()) - int(most[row].argmin())
        if distance == 0:
            return None
        # The two codes that contradict each other in the worst row agree when the line turns by this much.
        slope += -(-missing // abs(distance)) * (1 if distance > 0 else -1)
    return None


def _words(slope: int, low: Wide, high: Wide) -> tuple[int, Wide] | None:
    """Slope and table, unless some sum leaves int32; rows that are cut everywhere are bounded on one side."""
    table = np.where(low < -_FAR // 2, high, np.where(high > _FAR // 2, low, (low + high) >> 1))
    largest = max(np.abs(table).max(), np.abs(table[:, None] + slope * CODES).max())
    return (slope, table) if largest <= _LARGEST_WORD else None
