"""TRANSPOSE, SUB, SQUARED_DIFFERENCE, MEAN, SUM, BATCH_MATMUL, L2_NORMALIZATION."""

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure, Value
from ppg_deploy.compile.kernels.costs import copy_cycles
from ppg_deploy.compile.kernels.elementwise import (
    common_fields,
    constant_or_input,
    full_size_inputs,
    line_cycles,
)
from ppg_deploy.compile.requantize import general_factor
from ppg_deploy.compile.steps import Step
from ppg_deploy.compile.tensor_steps import (
    BatchMatMulStep,
    DifferenceStep,
    L2NormStep,
    ReduceStep,
    TransposeStep,
)

_TRANSPOSE_AXES = 5
_REDUCE_AXES = 4
_BYTES_PER_SUM = 4


def _filled(axes: tuple[tuple[int, int], ...], count: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes and distances of `count` axes; missing ones are outer axes of size 1."""
    filled = ((1, 0),) * (count - len(axes)) + axes
    return tuple(size for size, _ in filled), tuple(distance for _, distance in filled)


class TransposeKernel(Kernel):
    """Any order of up to 5 axes."""

    name = "transpose"
    header = "ppg_transpose.h"
    files = ("ppg_transpose.c", "ppg_transpose.h")

    def matches(self, step: Step) -> bool:
        """True for TRANSPOSE."""
        return isinstance(step, TransposeStep)

    def predicted_cycles(self, step: Step) -> int:
        """Runs that stay together, or single codes."""
        assert isinstance(step, TransposeStep)
        size, distance = step.axes[-1]
        runs = step.output_bytes // size
        return 60 + runs * (copy_cycles(size) + 15 if distance == 1 else 20 + 7 * size)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_transpose."""
        assert isinstance(step, TransposeStep) and not in_place
        sizes, distances = _filled(step.axes, _TRANSPOSE_AXES)
        return Code("ppg_transpose", Structure("ppg_transpose_t", {"size": sizes, "step": distances}))


class DifferenceKernel(Kernel):
    """SUB and SQUARED_DIFFERENCE with broadcasting."""

    name = "difference"
    header = "ppg_difference.h"
    files = ("ppg_difference.c", "ppg_difference.h", "ppg_elementwise.h")

    def matches(self, step: Step) -> bool:
        """True for both."""
        return isinstance(step, DifferenceStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """Operands of the output's shape."""
        return full_size_inputs(step)

    def predicted_cycles(self, step: Step) -> int:
        """Lines of the innermost axis; three requantisations of the general form, or four."""
        assert isinstance(step, DifferenceStep)
        return line_cycles(step, 120)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_sub or ppg_squared_difference."""
        assert isinstance(step, DifferenceStep)
        del in_place
        names = zip(("left", "right", "output"), step.factors, strict=True)
        fields: dict[str, Value] = {
            "common": common_fields(step, swapped=False, proven=False),
            **{name: general_factor(*factor).fields for name, factor in names},
        }
        function = "ppg_squared_difference" if step.squared else "ppg_sub"
        return Code(function, Structure("ppg_difference_t", fields), constant_or_input(step, swapped=False))


class ReduceKernel(Kernel):
    """MEAN and SUM over any axes."""

    name = "reduce"
    header = "ppg_reduce.h"
    files = ("ppg_reduce.c", "ppg_reduce.h")

    def matches(self, step: Step) -> bool:
        """True for both."""
        return isinstance(step, ReduceStep)

    def predicted_cycles(self, step: Step) -> int:
        """Values, lines of them and outputs."""
        assert isinstance(step, ReduceStep)
        summed, _ = _filled(step.summed, _REDUCE_AXES)
        lines = summed[0] * summed[1] * summed[2]
        return step.output_bytes * (110 + lines * (25 + 7 * summed[3]))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_reduce."""
        assert isinstance(step, ReduceStep) and not in_place
        kept_sizes, kept_distances = _filled(step.kept, _REDUCE_AXES)
        summed_sizes, summed_distances = _filled(step.summed, _REDUCE_AXES)
        count = 1
        for size in summed_sizes:
            count *= size
        fields: dict[str, Value] = {
            "kept_size": kept_sizes,
            "kept_step": kept_distances,
            "summed_size": summed_sizes,
            "summed_step": summed_distances,
            "count": count,
            "input_zero": step.input_zero,
            "output_zero": step.output_zero,
            "factor": general_factor(*step.factor).fields,
        }
        return Code("ppg_reduce", Structure("ppg_reduce_t", fields))


class BatchMatMulKernel(Kernel):
    """A product of two activations, one dot product at a time."""

    name = "batch_matmul"
    header = "ppg_batch_matmul.h"
    files = ("ppg_batch_matmul.c", "ppg_batch_matmul.h")

    def matches(self, step: Step) -> bool:
        """True for BATCH_MATMUL."""
        return isinstance(step, BatchMatMulStep)

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """A sum per column, then the turned operands of one batch."""
        assert isinstance(step, BatchMatMulStep) and not in_place
        turned = step.columns * step.turn_second + step.rows * step.turn_first
        return _BYTES_PER_SUM * step.columns + step.summed * turned

    def predicted_cycles(self, step: Step) -> int:
        """Dot products, sums of rows and columns, and turned operands."""
        assert isinstance(step, BatchMatMulStep)
        rows, columns, summed = step.rows, step.columns, step.summed
        turned = summed * (columns * step.turn_second + rows * step.turn_first)
        return step.batches * (
            rows * columns * (60 + 3 * summed) + (rows + columns) * (30 + 3 * summed) + 9 * turned
        )

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_batch_matmul."""
        assert isinstance(step, BatchMatMulStep) and not in_place
        fields: dict[str, Value] = {
            "batches": step.batches,
            "rows": step.rows,
            "columns": step.columns,
            "summed": step.summed,
            "turn_first": int(step.turn_first),
            "turn_second": int(step.turn_second),
            "first_zero": step.first_zero,
            "second_zero": step.second_zero,
            "output_zero": step.output_zero,
            "factor": general_factor(*step.factor).fields,
        }
        operands: list[int | Array] = []
        inputs = iter(range(len(step.inputs)))
        for name, codes in zip(("first", "second"), step.constants, strict=True):
            operands.append(next(inputs) if codes is None else Array(name, codes.reshape(-1)))
        return Code("ppg_batch_matmul", Structure("ppg_batch_matmul_t", fields), tuple(operands))


class L2NormKernel(Kernel):
    """L2_NORMALIZATION, a vector at a time."""

    name = "l2norm"
    header = "ppg_l2norm.h"
    files = ("ppg_l2norm.c", "ppg_l2norm.h")

    def matches(self, step: Step) -> bool:
        """True for L2_NORMALIZATION."""
        return isinstance(step, L2NormStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input: each vector is read twice, then written."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Vectors and their values."""
        assert isinstance(step, L2NormStep)
        return step.rows * (300 + 30 * step.depth)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_l2norm."""
        assert isinstance(step, L2NormStep)
        del in_place
        fields: dict[str, Value] = {"rows": step.rows, "depth": step.depth, "input_zero": step.input_zero}
        return Code("ppg_l2norm", Structure("ppg_l2norm_t", fields))
