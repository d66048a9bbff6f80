"""ADD and MUL: ppg_elementwise.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure, Value
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.requantize import Factor, general_factor, has_short_form, short_factor
from ppg_deploy.compile.steps import AddStep, ElementwiseStep, MulStep, Operand, Step
from ppg_deploy.graph.arithmetic import ADD_LEFT_SHIFT

_FILES: tuple[str, ...] = ("ppg_elementwise.c", "ppg_elementwise.h")
# What quantize_multiplier makes of 1/2, the factor of the operand with the larger scale: value << 19, exactly.
_HALF = (1 << 30, 0)
_LARGEST_DIFFERENCE = 255
_NO_FACTOR = Factor(0, 0, 0)


class AddKernel(Kernel):
    """ADD with broadcasting."""

    name = "add"
    header = "ppg_elementwise.h"
    files = _FILES
    function = "ppg_add"
    code_bytes = 1100

    def matches(self, step: Step) -> bool:
        """True for ADD."""
        return isinstance(step, AddStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Operands of the output's shape."""
        return full_size_inputs(step)

    def predicted_cycles(self, step: Step) -> int:
        """Lines of the innermost axis."""
        assert isinstance(step, AddStep)
        _, _, _, proven = _ordered(step)
        return line_cycles(step, 26 if proven else 120)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_add."""
        assert isinstance(step, AddStep)
        del in_place
        swapped, larger, other, proven = _ordered(step)
        of_output = step.factors[2]
        if proven:
            factors = (_NO_FACTOR, short_factor(*other, 0), short_factor(*of_output, step.output_zero))
        else:
            factors = (general_factor(*larger), general_factor(*other), general_factor(*of_output))
        fields: dict[str, Value] = {
            "common": common_fields(step, swapped, proven),
            **{
                name: factor.fields for name, factor in zip(("left", "right", "output"), factors, strict=True)
            },
        }
        return Code(self.function, Structure("ppg_add_t", fields), constant_or_input(step, swapped))


class MulKernel(Kernel):
    """MUL with broadcasting."""

    name = "mul"
    header = "ppg_elementwise.h"
    files = _FILES
    function = "ppg_mul"
    code_bytes = 1100
    may_be_short = True

    def matches(self, step: Step) -> bool:
        """True for MUL."""
        return isinstance(step, MulStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Operands of the output's shape."""
        return full_size_inputs(step)

    def predicted_cycles(self, step: Step) -> int:
        """Lines of the innermost axis."""
        assert isinstance(step, MulStep)
        return line_cycles(step, 18 if self.may_be_short and has_short_form(*step.factor) else 55)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_mul."""
        assert isinstance(step, MulStep)
        del in_place
        proven = self.may_be_short and has_short_form(*step.factor)
        factor = short_factor(*step.factor, step.output_zero) if proven else general_factor(*step.factor)
        fields: dict[str, Value] = {"common": common_fields(step, False, proven), "factor": factor.fields}
        return Code(self.function, Structure("ppg_mul_t", fields), constant_or_input(step, False))


_Factor = tuple[int, int]


def _ordered(step: AddStep) -> tuple[bool, _Factor, _Factor, bool]:
    """Whether operands change sides, factors of the operand with the larger scale and of the other, short form.

    The proven form wants the operand with the larger scale on the left; a sum does not mind.
    """
    of_left, of_right, of_output = step.factors
    swapped = of_left != _HALF
    larger, other = (of_right, of_left) if swapped else (of_left, of_right)
    proven = larger == _HALF and has_short_form(*other) and has_short_form(*of_output)
    return swapped, larger, other, proven


# Both kernels hand the short form accumulators within its range of 2^30.
assert 2 * _LARGEST_DIFFERENCE << ADD_LEFT_SHIFT < 1 << 30


def _activations(step: ElementwiseStep) -> tuple[Operand, ...]:
    return tuple(operand for operand in (step.left, step.right) if operand.data is None)


def full_size_inputs(step: Step) -> tuple[str, ...]:
    """Operands of an elementwise step that have the output's shape."""
    assert isinstance(step, ElementwiseStep)
    named = zip(step.inputs, _activations(step), strict=True)
    return tuple(name for name, operand in named if operand.shape == step.shape)


def constant_or_input(step: ElementwiseStep, swapped: bool) -> tuple[int | Array, ...]:
    """The call's two operands: a constant array, or the number of the step's input."""
    operands: list[int | Array] = []
    number = 0
    for side, operand in (("left", step.left), ("right", step.right)):
        if operand.data is None:
            operands.append(number)
            number += 1
        else:
            operands.append(Array(side, np.ascontiguousarray(operand.data).reshape(-1)))
    return tuple(reversed(operands)) if swapped else tuple(operands)


def line_cycles(step: ElementwiseStep, each: int) -> int:
    """Predicted cycles of a walk over all lines of the innermost axis, with `each` per output."""
    outputs = int(np.prod(step.shape))
    sizes, _, _ = _merge_axes(step.shape, _axis_steps(step.left.shape), _axis_steps(step.right.shape))
    return round(80 + each * outputs + 75 * (outputs // sizes[-1]) + clamp_cycles(step))


def common_fields(step: ElementwiseStep, swapped: bool, proven: bool) -> dict[str, Value]:
    """Fields of ppg_elementwise_t."""
    left, right = (step.right, step.left) if swapped else (step.left, step.right)
    size, left_step, right_step = _merge_axes(step.shape, _axis_steps(left.shape), _axis_steps(right.shape))
    return {
        "size": size,
        "left_step": left_step,
        "right_step": right_step,
        "left_zero": left.zero,
        "right_zero": right.zero,
        "output_zero": step.output_zero,
        "low": step.low,
        "high": step.high,
        "proven": int(proven),
    }


def _axis_steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Values between neighbours along each axis; 0 where the operand is repeated."""
    return tuple(0 if size == 1 else int(np.prod(shape[axis + 1 :])) for axis, size in enumerate(shape))


def _merge_axes(
    size: tuple[int, ...], left: tuple[int, ...], right: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The same walk with as few and as long axes as possible, filled up with axes of size 1 on the outside."""
    axes = [axis for axis in zip(size, left, right, strict=True) if axis[0] != 1] or [(1, 0, 0)]
    merged = [axes[-1]]
    for outer in reversed(axes[:-1]):
        inner = merged[0]
        if all(outer[side] == inner[side] * inner[0] for side in (1, 2)):
            merged[0] = (outer[0] * inner[0], inner[1], inner[2])
        else:
            merged.insert(0, outer)
    filled = [(1, 0, 0)] * (len(size) - len(merged)) + merged
    sizes, lefts, rights = zip(*filled, strict=True)
    return sizes, lefts, rights
