"""SLICE, STRIDED_SLICE, SPLIT, SPLIT_V and CONCATENATION of a flatbuffer as the graph's operators.

The graph has one kind of slice. A SPLIT becomes one slice per output: the same codes, and a part that nobody reads
costs nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Tensor
from ppg_deploy.graph.operators import Concatenation, Operator, StridedSlice

Names = Sequence[str]
Tensors = Mapping[str, Tensor]


def _numbers(tensors: Tensors, name: str, what: str) -> list[int]:
    data = tensors[name].data
    if data is None:
        raise UnsupportedModelError(f"tensor {name}: computed {what}", hint=f"export with constant {what}")
    return [int(value) for value in data.reshape(-1)]


def _part(source: Tensor, output: str, axis: int, begin: int, size: int) -> StridedSlice:
    begins, ends = [0] * len(source.shape), list(source.shape)
    begins[axis], ends[axis] = begin, begin + size
    ones = (1,) * len(source.shape)
    return StridedSlice(
        inputs=(source.name,), outputs=(output,), begin=tuple(begins), end=tuple(ends), strides=ones
    )


def read_slice(_options: Any, inputs: Names, outputs: Names, tensors: Tensors) -> tuple[Operator, ...]:
    """SLICE (input, begin, size); a size of -1 reaches to the end."""
    shape = tensors[inputs[0]].shape
    begin = _numbers(tensors, inputs[1], "begin")
    sizes = _numbers(tensors, inputs[2], "size")
    end = [
        full if size == -1 else first + size for first, size, full in zip(begin, sizes, shape, strict=True)
    ]
    return (
        StridedSlice(
            inputs=(inputs[0],),
            outputs=tuple(outputs),
            begin=tuple(begin),
            end=tuple(end),
            strides=(1,) * len(shape),
        ),
    )


def read_strided_slice(options: Any, inputs: Names, outputs: Names, tensors: Tensors) -> tuple[Operator, ...]:
    """STRIDED_SLICE (input, begin, end, strides) with its masks resolved.

    Raises:
        UnsupportedModelError: negative strides, or a mask that adds axes.
    """
    shape = tensors[inputs[0]].shape
    begin, end, strides = (
        _numbers(tensors, name, what)
        for name, what in zip(inputs[1:4], ("begin", "end", "strides"), strict=True)
    )
    if options.ellipsisMask or options.newAxisMask:
        raise UnsupportedModelError(
            f"STRIDED_SLICE of {inputs[0]} uses an ellipsis or a new axis",
            hint="slice every axis explicitly and reshape afterwards",
        )
    if min(strides) < 1:
        raise UnsupportedModelError(
            f"STRIDED_SLICE of {inputs[0]} has the strides {strides}",
            hint="only positive strides are supported",
        )
    for axis, size in enumerate(shape):
        bit = 1 << axis
        begin[axis] = 0 if options.beginMask & bit else _bounded(begin[axis], size)
        end[axis] = size if options.endMask & bit else _bounded(end[axis], size)
        if options.shrinkAxisMask & bit:
            end[axis] = begin[axis] + 1
    kept = StridedSlice(
        inputs=(inputs[0],),
        outputs=tuple(outputs),
        begin=tuple(begin),
        end=tuple(end),
        strides=tuple(strides),
        dropped=tuple(axis for axis in range(len(shape)) if options.shrinkAxisMask & (1 << axis)),
    )
    return (kept,)


def _bounded(index: int, size: int) -> int:
    return min(max(index + size if index < 0 else index, 0), size)


def read_split(_options: Any, inputs: Names, outputs: Names, tensors: Tensors) -> tuple[Operator, ...]:
    """SPLIT (axis, input) into equal parts."""
    (axis,) = _numbers(tensors, inputs[0], "axis")
    source = tensors[inputs[1]]
    axis %= len(source.shape)
    size = source.shape[axis] // len(outputs)
    return tuple(_part(source, name, axis, number * size, size) for number, name in enumerate(outputs))


def read_split_v(_options: Any, inputs: Names, outputs: Names, tensors: Tensors) -> tuple[Operator, ...]:
    """SPLIT_V (input, sizes, axis); a size of -1 is what the others leave."""
    source = tensors[inputs[0]]
    sizes = _numbers(tensors, inputs[1], "sizes")
    (axis,) = _numbers(tensors, inputs[2], "axis")
    axis %= len(source.shape)
    known = sum(size for size in sizes if size != -1)
    sizes = [source.shape[axis] - known if size == -1 else size for size in sizes]
    return tuple(
        _part(source, name, axis, sum(sizes[:number]), sizes[number]) for number, name in enumerate(outputs)
    )


def read_concatenation(options: Any, inputs: Names, outputs: Names, tensors: Tensors) -> tuple[Operator, ...]:
    """CONCATENATION.

    Raises:
        UnsupportedModelError: a fused activation.
    """
    if options.fusedActivationFunction:
        raise UnsupportedModelError(
            f"CONCATENATION into {outputs[0]} has a fused activation", hint="activate the parts instead"
        )
    axis = int(options.axis) % len(tensors[inputs[0]].shape)
    return (Concatenation(inputs=tuple(inputs), outputs=tuple(outputs), axis=axis),)
