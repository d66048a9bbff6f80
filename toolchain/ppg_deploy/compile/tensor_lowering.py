"""Graph operators -> the steps of `tensor_steps`."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ppg_deploy.compile.steps import Operand, Step
from ppg_deploy.compile.tensor_steps import (
    BatchMatMulStep,
    DifferenceStep,
    L2NormStep,
    ReduceStep,
    TransposeStep,
)
from ppg_deploy.graph import Tensor
from ppg_deploy.graph.arithmetic import (
    product_multiplier,
    reduction_multiplier,
    squared_difference_multipliers,
    sub_multipliers,
)
from ppg_deploy.graph.operators import (
    BatchMatMul,
    Operator,
    Reduction,
    SquaredDifference,
    Transpose,
)
from ppg_deploy.graph.shapes import multiply_accumulates

if TYPE_CHECKING:
    from ppg_deploy.compile.lower import Lowering

Axes = tuple[tuple[int, int], ...]


def _common(context: "Lowering", number: int, operator: Operator) -> dict[str, Any]:
    low, high = context.limits(operator)
    return {
        "operators": (number,),
        "kind": operator.kind,
        "name": operator.output,
        "inputs": tuple(
            context.storage(name) for name in operator.inputs if not context.tensor(name).is_constant
        ),
        "output": operator.output,
        "output_bytes": context.tensor(operator.output).byte_size,
        "macs": multiply_accumulates(context.graph, operator),
        "low": low,
        "high": high,
    }


def _distances(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Bytes between neighbours along each axis."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def merged(axes: Axes) -> Axes:
    """The same walk with as few axes as possible: neighbours that lie behind one another become one."""
    walk: list[tuple[int, int]] = []
    for size, distance in axes:
        if size == 1:
            continue
        if walk and walk[-1][1] == size * distance:
            walk[-1] = (walk[-1][0] * size, distance)
        else:
            walk.append((size, distance))
    return tuple(walk)


def transpose(context: "Lowering", number: int, operator: Operator) -> Step:
    """TRANSPOSE."""
    assert isinstance(operator, Transpose)
    shape = context.tensor(operator.inputs[0]).shape
    distances = _distances(shape)
    axes = tuple((shape[axis], distances[axis]) for axis in operator.permutation)
    return TransposeStep(**_common(context, number, operator), axes=merged(axes))


def _operand(tensor: Tensor) -> Operand:
    shape = (1,) * (4 - len(tensor.shape)) + tensor.shape
    codes = None if tensor.data is None else np.asarray(tensor.data).astype(np.int8)
    return Operand(shape, tensor.zero_point, codes)


def difference(context: "Lowering", number: int, operator: Operator) -> Step:
    """SUB and SQUARED_DIFFERENCE."""
    left, right = (context.tensor(name) for name in operator.inputs)
    output = context.tensor(operator.output)
    squared = isinstance(operator, SquaredDifference)
    factors = squared_difference_multipliers if squared else sub_multipliers
    return DifferenceStep(
        **_common(context, number, operator),
        left=_operand(left),
        right=_operand(right),
        shape=_operand(output).shape,
        output_zero=output.zero_point,
        factors=factors(left, right, output),
        squared=squared,
    )


def reduction(context: "Lowering", number: int, operator: Operator) -> Step:
    """MEAN and SUM."""
    assert isinstance(operator, Reduction)
    source, output = context.tensor(operator.inputs[0]), context.tensor(operator.output)
    axes = list(zip(source.shape, _distances(source.shape), strict=True))
    return ReduceStep(
        **_common(context, number, operator),
        kept=merged(tuple(axis for index, axis in enumerate(axes) if index not in operator.axes)),
        summed=merged(tuple(axes[index] for index in operator.axes)),
        factor=reduction_multiplier(source, operator, output),
        input_zero=source.zero_point,
        output_zero=output.zero_point,
    )


def batch_matmul(context: "Lowering", number: int, operator: Operator) -> Step:
    """BATCH_MATMUL."""
    assert isinstance(operator, BatchMatMul)
    first, second = (context.tensor(name) for name in operator.inputs)
    output = context.tensor(operator.output)
    rows, columns = output.shape[-2:]
    return BatchMatMulStep(
        **_common(context, number, operator),
        batches=math.prod(output.shape[:-2]),
        rows=rows,
        columns=columns,
        summed=first.shape[-2 if operator.adjoint_first else -1],
        turn_first=operator.adjoint_first,
        turn_second=not operator.adjoint_second,
        constants=(_operand(first).data, _operand(second).data),
        first_zero=first.zero_point,
        second_zero=second.zero_point,
        output_zero=output.zero_point,
        factor=product_multiplier(first, second, output),
    )


def l2_normalization(context: "Lowering", number: int, operator: Operator) -> Step:
    """L2_NORMALIZATION."""
    source = context.tensor(operator.inputs[0])
    return L2NormStep(
        **_common(context, number, operator),
        rows=source.size // source.shape[-1],
        depth=source.shape[-1],
        input_zero=source.zero_point,
    )
