"""The graph under construction and what is known about each ONNX value on the way."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.layout import Layout, LayoutError
from ppg_deploy.convert.limits import MAX_ACTIVATION, MAX_CONSTANT, too_large
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import DepthwiseConv2D, Operator, Reshape, Transpose

Constant = NDArray[Any]
# TFLM transposes up to 5 axes, of which the first one is the batch.
_LARGEST_MOVE = 4


@dataclass(frozen=True)
class Node:
    """One ONNX operator with its attributes as Python values."""

    op_type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def unsupported(self, reason: str, hint: str) -> UnsupportedModelError:
        """The error to raise for this operator."""
        return UnsupportedModelError(f"operator {self.op_type} ({self.name}): {reason}", hint=hint)


@dataclass(frozen=True)
class Value:
    """An ONNX activation: the graph tensor that holds it and how its axes lie in that tensor."""

    tensor: str
    layout: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        """ONNX shape."""
        return self.layout.shape


@dataclass
class GraphBuilder:
    """Collects float operators; ONNX names map to `values` (activations) or `constants`.

    `may_move` allows TRANSPOSE where bookkeeping is not enough; `moved_bytes` counts what they move.
    `refused` holds ONNX values that nobody may read, with what to raise when somebody does; `tied` is the graph's.
    """

    constants: dict[str, Constant]
    values: dict[str, Value] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)
    may_move: bool = False
    moved_bytes: int = 0
    moved: dict[tuple[str, tuple[int, ...], tuple[int, ...]], str] = field(default_factory=dict)
    refused: dict[str, UnsupportedModelError] = field(default_factory=dict)
    tied: list[tuple[str, ...]] = field(default_factory=list)

    def value(self, node: Node, index: int) -> Value:
        """The activation that is input `index` of a node."""
        name = node.inputs[index]
        if name in self.refused:
            raise self.refused[name]
        if name not in self.values:
            raise node.unsupported(
                f"input {index} is a constant where an activation is expected",
                "fold the constant part of the model before export",
            )
        return self.values[name]

    def constant(self, node: Node, index: int) -> Constant | None:
        """Input `index` of a node when it is a constant; None when absent or computed."""
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        return self.constants.get(node.inputs[index])

    def required_constant(self, node: Node, index: int, what: str) -> Constant:
        """Input `index` of a node, which must be a constant."""
        constant = self.constant(node, index)
        if constant is None:
            raise node.unsupported(f"its {what} are computed, not constant", "export with fixed weights")
        return constant

    def new_tensor(self, name: str, shape: tuple[int, ...], data: Constant | None = None) -> str:
        """Add a float tensor under a name made unique; returns that name.

        Raises:
            UnsupportedModelError: it would be empty, or larger than any board's memory.
        """
        if min(shape, default=1) < 1:
            raise UnsupportedModelError(
                f"tensor {name} would have the shape {shape}", hint="use a longer window or smaller kernels"
            )
        if math.prod(shape) > (MAX_ACTIVATION if data is None else MAX_CONSTANT):
            raise too_large(f"tensor {name}", math.prod(shape))
        unique = name
        while unique in self.tensors:
            unique += "_"
        content = None if data is None else np.ascontiguousarray(data, np.float32)
        self.tensors[unique] = Tensor(unique, shape, DType.FLOAT32, data=content)
        return unique

    def emit(self, operator: Operator) -> None:
        """Append an operator whose tensors exist already."""
        self.operators.append(operator)

    def define(self, name: str, tensor: str, layout: Layout) -> None:
        """Say which graph tensor holds an ONNX value."""
        self.values[name] = Value(tensor, layout)

    def viewed(self, value: Value, shape: tuple[int, ...]) -> str:
        """The value's graph tensor under another graph shape of the same elements."""
        return self.reshaped(value.tensor, shape)

    def reshaped(self, tensor: str, shape: tuple[int, ...]) -> str:
        """A graph tensor under another shape."""
        if self.tensors[tensor].shape == shape:
            return tensor
        viewed = self.new_tensor(f"{tensor}/view", shape)
        self.emit(Reshape(inputs=(tensor,), outputs=(viewed,)))
        return viewed

    def image(self, value: Value) -> str:
        """The value as an NHWC tensor (1, H, W, C); ONNX (1, C, L) has H = 1.

        Raises:
            LayoutError: the elements do not lie in that order.
        """
        shape = value.shape
        if len(shape) not in (3, 4) or shape[0] != 1:
            raise LayoutError(f"an activation of shape {shape} is no signal with channels")
        if not value.layout.same_order(Layout.channels_last(shape)):
            value = self.stored(value, (0, *range(2, len(shape)), 1))
        return self.viewed(value, image_shape(shape))

    def stored(self, value: Value, order: tuple[int, ...]) -> Value:
        """The value with its ONNX axes in the given memory order; moves data only where that is allowed.

        Raises:
            LayoutError: data would have to be moved, and must not, or along too many axes.
        """
        return self.in_memory(value, value.layout.stored(order).memory)

    def in_memory(self, value: Value, memory: tuple[int, ...]) -> Value:
        """The value with its layout's factors in the given memory order; see `stored`."""
        wanted = Layout(value.layout.axes, memory)
        if wanted.memory == value.layout.memory:
            return value
        if not self.may_move:
            raise LayoutError(f"an activation of shape {value.shape} lies in another order in memory")
        key = (value.tensor, value.layout.factors, wanted.memory)
        if key not in self.moved:
            self.moved[key] = self._emit_transpose(value, wanted)
        return Value(self.moved[key], wanted)

    def _emit_transpose(self, value: Value, wanted: Layout) -> str:
        old, factors = value.layout.memory, value.layout.factors
        places = [old.index(factor) for factor in wanted.memory]
        # Factors that stay behind one another move as one axis.
        runs: list[list[int]] = []
        for place in places:
            if runs and runs[-1][-1] + 1 == place:
                runs[-1].append(place)
            else:
                runs.append([place])
        if len(runs) > _LARGEST_MOVE:
            raise LayoutError(f"an activation of shape {value.shape} would move along {len(runs)} axes")
        by_memory = sorted(runs)
        sizes = [math.prod(factors[old[place]] for place in run) for run in by_memory]
        permutation = tuple(by_memory.index(run) for run in runs)
        source = self.viewed(value, (1, *sizes))
        moved = self.new_tensor(f"{value.tensor}/moved", (1, *(sizes[axis] for axis in permutation)))
        self.emit(
            Transpose(
                inputs=(source,), outputs=(moved,), permutation=(0, *(axis + 1 for axis in permutation))
            )
        )
        self.moved_bytes += math.prod(sizes)
        return moved

    def innermost(self, value: Value, axis: int) -> Value:
        """The value with an ONNX axis innermost in memory; the others keep their order."""
        if value.layout.ends_with(axis):
            return value
        order = tuple(other for other in value.layout.memory_order() if other != axis)
        return self.stored(value, (*order, axis))

    def rows(self, value: Value, axis: int) -> tuple[str, Layout]:
        """(tensor (1, 1, positions, size of the axis), its layout) with an ONNX axis innermost."""
        value = self.innermost(value, axis)
        size = value.shape[axis]
        return self.viewed(value, (1, 1, math.prod(value.shape) // size, size)), value.layout

    def define_image(self, node: Node, tensor: str, rank: int) -> None:
        """Say that the node's output is an NHWC tensor, seen by ONNX as (1, C, L) or (1, C, H, W)."""
        _, height, width, channels = self.tensors[tensor].shape
        shape = (1, channels, width) if rank == 3 else (1, channels, height, width)
        self.define(node.outputs[0], tensor, Layout.channels_last(shape))

    def affine(self, name: str, source: str, scale: Constant, offset: Constant) -> str:
        """Channel-wise scale * x + offset of an NHWC tensor as a 1x1 depthwise convolution."""
        channels = self.tensors[source].shape[3]
        weights = self.new_tensor(f"{name}/scale", (1, 1, 1, channels), scale.reshape(1, 1, 1, channels))
        bias = self.new_tensor(f"{name}/offset", (channels,), offset)
        output = self.new_tensor(name, self.tensors[source].shape)
        self.emit(DepthwiseConv2D(inputs=(source, weights, bias), outputs=(output,)))
        return output

    def graph(self, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
        """The finished graph."""
        tied = tuple(self.tied)
        return Graph(name, dict(self.tensors), tuple(self.operators), tuple(inputs), tuple(outputs), tied)


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """NHWC shape of an ONNX activation (1, C, L) or (1, C, H, W)."""
    if len(shape) == 3:
        return (1, 1, shape[2], shape[1])
    return (1, shape[2], shape[3], shape[1])
