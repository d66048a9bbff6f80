"""How an ONNX activation lies in memory while the graph is NHWC.

Each ONNX axis is a product of factors greater than 1 (none for an axis of size 1); `memory` says in which order
those factors lie in memory, slowest first. A convolution's output (1, C, H, W) is stored as NHWC: axes
((), (C,), (H,), (W,)) and memory (1, 2, 0). Transposes, squeezes and flattens then only change this bookkeeping
and never move data.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class LayoutError(Exception):
    """The wanted view of the data would need its elements to be moved."""


@dataclass(frozen=True)
class Layout:
    """ONNX axes as factors, and the memory order of those factors."""

    axes: tuple[tuple[int, ...], ...]
    memory: tuple[int, ...]

    @staticmethod
    def ordered(shape: tuple[int, ...], order: tuple[int, ...]) -> "Layout":
        """ONNX shape whose axes lie in memory in the given order."""
        axes = tuple((size,) if size > 1 else () for size in shape)
        numbers = np.cumsum([0, *(len(axis) for axis in axes)])
        return Layout(axes, tuple(int(numbers[axis]) for axis in order if axes[axis]))

    @staticmethod
    def row_major(shape: tuple[int, ...]) -> "Layout":
        """Memory order equal to the ONNX order."""
        return Layout.ordered(shape, tuple(range(len(shape))))

    @staticmethod
    def channels_last(shape: tuple[int, ...]) -> "Layout":
        """(N, C, ...) stored as (N, ..., C)."""
        return Layout.ordered(shape, (0, *range(2, len(shape)), 1))

    @property
    def shape(self) -> tuple[int, ...]:
        """The ONNX shape."""
        return tuple(math.prod(axis) for axis in self.axes)

    @property
    def factors(self) -> tuple[int, ...]:
        """All factors in row-major ONNX order."""
        return tuple(factor for axis in self.axes for factor in axis)

    def transposed(self, permutation: tuple[int, ...]) -> "Layout":
        """ONNX axis i of the result is axis permutation[i] of this one."""
        numbers = np.cumsum([0, *(len(axis) for axis in self.axes)])
        moved = [int(numbers[axis]) + part for axis in permutation for part in range(len(self.axes[axis]))]
        return Layout(
            tuple(self.axes[axis] for axis in permutation),
            tuple(moved.index(factor) for factor in self.memory),
        )

    def reshaped(self, shape: tuple[int, ...]) -> "Layout":
        """Same row-major sequence of elements under another ONNX shape.

        Raises:
            LayoutError: the axes of both shapes do not align.
        """
        if math.prod(shape) != math.prod(self.factors):
            raise LayoutError(f"cannot reshape {self.shape} to {shape}")
        pieces: list[list[int]] = [[] for _ in self.factors]
        axes: list[list[int]] = [[] for _ in shape]
        axis, left = -1, 1
        for number, factor in enumerate(self.factors):
            rest = factor
            while rest > 1:
                while left == 1:
                    axis += 1
                    left = shape[axis]
                piece = min(rest, left)
                if rest % piece or left % piece:
                    raise LayoutError(f"the axes of {self.shape} and {shape} do not align")
                # Row-major order: the slower part of a factor comes first.
                pieces[number].append(piece)
                axes[axis].append(piece)
                rest //= piece
                left //= piece
        first = np.cumsum([0, *(len(parts) for parts in pieces)])
        memory = tuple(
            int(first[factor]) + part for factor in self.memory for part in range(len(pieces[factor]))
        )
        return Layout(tuple(tuple(factors) for factors in axes), memory)

    def factors_of(self, axis: int) -> tuple[int, ...]:
        """Numbers of the factors that make up an ONNX axis."""
        first = sum(len(factors) for factors in self.axes[:axis])
        return tuple(range(first, first + len(self.axes[axis])))

    def split(self, axis: int, factors: tuple[int, ...]) -> "Layout":
        """The same with the only factor of an axis written as several, slowest first."""
        (number,) = self.factors_of(axis)
        extra = len(factors) - 1
        memory: list[int] = []
        for factor in self.memory:
            if factor == number:
                memory.extend(range(number, number + len(factors)))
            else:
                memory.append(factor + extra if factor > number else factor)
        return Layout((*self.axes[:axis], factors, *self.axes[axis + 1 :]), tuple(memory))

    def stored(self, order: tuple[int, ...]) -> "Layout":
        """The same ONNX shape with its axes lying in memory in the given order."""
        memory = tuple(factor for axis in order for factor in self.factors_of(axis))
        return Layout(self.axes, memory)

    def with_axis(self, axis: int, size: int) -> "Layout":
        """The layout when an axis gets another size; its values lie where its slowest factor lay.

        An axis of size 1 that grows becomes the innermost one in memory.
        """
        numbers = self.factors_of(axis)
        kept = [factor for factor in self.memory if factor not in numbers[1:]]
        if size == 1:
            kept = [factor for factor in kept if factor not in numbers]
        elif not numbers:
            first = sum(len(factors) for factors in self.axes[:axis])
            kept = [factor + (factor >= first) for factor in kept] + [first]
            return Layout((*self.axes[:axis], (size,), *self.axes[axis + 1 :]), tuple(kept))
        remaining = sorted(kept)
        axes = (*self.axes[:axis], (size,) if size > 1 else (), *self.axes[axis + 1 :])
        return Layout(axes, tuple(remaining.index(factor) for factor in kept))

    def ends_with(self, axis: int) -> bool:
        """True when an axis is the innermost one in memory, in its own order."""
        numbers = self.factors_of(axis)
        return self.memory[len(self.memory) - len(numbers) :] == numbers

    def memory_order(self) -> tuple[int, ...]:
        """The ONNX axes in the order in which their slowest factors lie in memory; axes of size 1 first."""
        places = {factor: place for place, factor in enumerate(self.memory)}
        return tuple(
            sorted(
                range(len(self.axes)),
                key=lambda axis: min((places[factor] for factor in self.factors_of(axis)), default=-1),
            )
        )

    def same_order(self, wanted: "Layout") -> bool:
        """True when both store the elements of the same ONNX shape in the same order."""
        return self.shape == wanted.shape and np.array_equal(self.element_order(), wanted.element_order())

    def element_order(self) -> NDArray[np.intp]:
        """Row-major ONNX index of each element in memory order."""
        numbers = np.arange(math.prod(self.factors)).reshape(self.factors)
        return numbers.transpose(self.memory).reshape(-1)
