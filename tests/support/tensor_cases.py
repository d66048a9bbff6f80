"""Single-operator int8 models: data movement, differences, reductions, matrix products, normalisation."""

from collections.abc import Callable

import numpy as np

from ppg_deploy.graph import Graph, Quantization
from ppg_deploy.graph.operators import (
    BatchMatMul,
    L2Normalization,
    Mean,
    Reduction,
    Rsqrt,
    SquaredDifference,
    Sub,
    Sum,
    Transpose,
)
from tests.support.int8_graphs import GraphMaker


def _sizes(maker: GraphMaker, count: int, largest: int = 9) -> tuple[int, ...]:
    return (1, *(int(size) for size in maker.rng.integers(1, largest + 1, count)))


def transpose(seed: int) -> Graph:
    """TRANSPOSE of 2 to 5 axes."""
    maker = GraphMaker(seed)
    shape = _sizes(maker, 1 + seed % 4, 7)
    order = (0, *(int(axis) + 1 for axis in maker.rng.permutation(len(shape) - 1)))
    source = maker.activation(shape)
    output = maker.activation([shape[axis] for axis in order], maker.tensors[source].quantization)
    return maker.graph(source, maker.emit(Transpose(inputs=(source,), outputs=(output,), permutation=order)))


def _pair(maker: GraphMaker, shape: tuple[int, ...]) -> tuple[str, tuple[str, str]]:
    """The input, and the input with a broadcast constant, a reduction of itself or itself, in either order."""
    source = maker.activation(shape)
    kind = int(maker.rng.integers(4))
    if kind == 0:
        other = source
    elif kind == 1:
        other = maker.activation((*shape[:-1], 1))
        maker.emit(Mean(inputs=(source,), outputs=(other,), axes=(len(shape) - 1,)))
    else:
        other = maker.constant([size if maker.rng.integers(2) else 1 for size in shape])
    return source, (source, other) if maker.rng.integers(2) else (other, source)


def sub(seed: int) -> Graph:
    """SUB with broadcasting on either side."""
    maker = GraphMaker(seed)
    shape = _sizes(maker, 3)
    source, pair = _pair(maker, shape)
    return maker.graph(source, maker.emit(Sub(inputs=pair, outputs=(maker.activation(shape),))))


def squared_difference(seed: int) -> Graph:
    """SQUARED_DIFFERENCE with broadcasting on either side."""
    maker = GraphMaker(seed)
    shape = _sizes(maker, 3)
    source, pair = _pair(maker, shape)
    largest = sum(maker.tensors[name].scale for name in pair) ** 2
    output = maker.activation(
        shape, maker.parameters(largest * float(maker.rng.uniform(10, 120)), -128 if seed % 4 else None)
    )
    return maker.graph(source, maker.emit(SquaredDifference(inputs=pair, outputs=(output,))))


def _reduction(seed: int, kind: type[Reduction]) -> Graph:
    maker = GraphMaker(seed)
    rng = maker.rng
    shape = _sizes(maker, 1 + seed % 3, 12)
    axes = tuple(axis for axis in range(1, len(shape)) if rng.integers(2)) or (len(shape) - 1,)
    keep = bool(rng.integers(2))
    source = maker.activation(shape)
    parameters = maker.tensors[source].quantization
    if rng.integers(3):
        count = int(np.prod([shape[axis] for axis in axes]))
        parameters = maker.parameters(
            maker.tensors[source].scale * float(rng.uniform(0.05, 1.5)) * (count**0.5 if kind is Sum else 1),
            zero_point=-20 if seed % 4 else None,
        )
    out = [1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes]
    output = maker.activation(out, parameters)
    return maker.graph(
        source, maker.emit(kind(inputs=(source,), outputs=(output,), axes=axes, keep_dims=keep))
    )


def mean(seed: int) -> Graph:
    """MEAN over any axes, height and width among them."""
    return _reduction(seed, Mean)


def total(seed: int) -> Graph:
    """SUM over any axes."""
    return _reduction(seed, Sum)


def rsqrt(seed: int) -> Graph:
    """RSQRT of every code."""
    maker = GraphMaker(seed)
    shape = (1, 1, 8, 32)
    source = maker.activation(shape, maker.parameters(float(10.0 ** maker.rng.uniform(-6, 1)), -128))
    largest = 1.0 / np.sqrt(maker.tensors[source].scale)
    output = maker.activation(shape, maker.parameters(float(largest / maker.rng.uniform(20, 300))))
    return maker.graph(source, maker.emit(Rsqrt(inputs=(source,), outputs=(output,))))


def batch_matmul(seed: int) -> Graph:
    """BATCH_MATMUL of the input with itself in another order, or with a constant, on either side."""
    maker = GraphMaker(seed)
    rng = maker.rng
    batches, rows, summed, columns = (int(size) for size in rng.integers(1, 10, 4))
    first_turned, second_turned = bool(rng.integers(2)), bool(rng.integers(2))
    kind = int(rng.integers(3))
    if kind == 0:
        source = maker.activation((1, batches, rows, summed))
        first_turned = not second_turned
        columns, rows = (rows, rows) if second_turned else (summed, summed)
        first, second = source, source
    else:
        shapes = (
            (1, batches, *((summed, rows) if first_turned else (rows, summed))),
            (1, batches, *((columns, summed) if second_turned else (summed, columns))),
        )
        source = maker.activation(shapes[kind - 1])
        constant = maker.constant(shapes[2 - kind])
        first, second = (source, constant) if kind == 1 else (constant, source)
    scale = maker.tensors[first].scale * maker.tensors[second].scale * float(rng.uniform(50, 500))
    output = maker.activation((1, batches, rows, columns), maker.parameters(scale))
    return maker.graph(
        source,
        maker.emit(
            BatchMatMul(
                inputs=(first, second),
                outputs=(output,),
                adjoint_first=first_turned,
                adjoint_second=second_turned,
            )
        ),
    )


def l2_normalization(seed: int) -> Graph:
    """L2_NORMALIZATION of short vectors, and of long ones whose sums of squares use all 31 bits."""
    maker = GraphMaker(seed)
    depth = int(maker.rng.integers(1, 40)) if seed % 4 else int(maker.rng.integers(200, 3000))
    shape = (*_sizes(maker, 2, 6), depth)
    source = maker.activation(shape)
    output = maker.activation(shape, Quantization((1 / 128,), (0,)))
    return maker.graph(source, maker.emit(L2Normalization(inputs=(source,), outputs=(output,))))


FAMILIES: dict[str, Callable[[int], Graph]] = {
    "transpose": transpose,
    "sub": sub,
    "squared difference": squared_difference,
    "mean": mean,
    "sum": total,
    "rsqrt": rsqrt,
    "batch matmul": batch_matmul,
    "l2 normalization": l2_normalization,
}
