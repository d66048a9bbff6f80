"""Graph -> steps: padding spelt out, reshapes gone, PAD merged into the convolution behind it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile import image_lowering, sequence_lowering, tensor_lowering
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.steps import (
    AddStep,
    AnyCodes,
    CopyStep,
    MulStep,
    Operand,
    Step,
)
from ppg_deploy.compile.tables import find_regions, lookup_step, softmax_step
from ppg_deploy.graph import Graph, Tensor
from ppg_deploy.graph.arithmetic import (
    activation_limits,
    add_multipliers,
    mul_multiplier,
)
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    BatchMatMul,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    L2Normalization,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Padding,
    Reshape,
    Softmax,
    SquaredDifference,
    StridedSlice,
    Sub,
    Sum,
    Transpose,
    UnidirectionalSequenceLstm,
)


def lower(graph: Graph) -> Program:
    """Steps of a graph that passed `check_compilable`."""
    context = Lowering(graph)
    steps = [context.step(number) for number in context.computed]
    output = context.storage(graph.outputs[0])
    if output == graph.inputs[0]:
        size = graph.output.byte_size
        name = graph.outputs[0]
        output = f"{output} copied"
        copy = CopyStep(
            operators=(), kind="COPY", name=name, inputs=graph.inputs, output=output, output_bytes=size
        )
        steps.append(copy)
    return Program(tuple(steps), graph.inputs[0], output, context.views, tuple(range(len(steps))))


class Lowering:
    """What the builders of steps ask: names of storage, tensors, limits."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        needed = _needed(graph)
        self._aliases = {
            operator.output: operator.inputs[0]
            for operator in graph.operators
            if isinstance(operator, Reshape)
        }
        self._slices = sequence_lowering.views(graph)
        self.views: dict[str, tuple[str, int]] = {}
        self._merged = {
            operator.output: number
            for number, operator in enumerate(graph.operators)
            if isinstance(operator, Pad) and number in needed and self._merges(operator)
        }
        self._regions = find_regions(graph, needed)
        tabulated = {number for region in self._regions.values() for number in region.operators[:-1]}
        self.computed = [
            number
            for number, operator in enumerate(graph.operators)
            if number in needed
            and not isinstance(operator, Reshape)
            and operator.output not in self._merged
            and operator.output not in self._slices
            and number not in tabulated
        ]

    def _merges(self, pad: Pad) -> bool:
        """A convolution writes padding itself when it is the only reader and pads nothing of its own."""
        consumers = self.graph.consumers(pad.output)
        return (
            len(consumers) == 1
            and isinstance(consumers[0], Conv2D | DepthwiseConv2D)
            and consumers[0].padding is Padding.VALID
            and pad.output not in self.graph.outputs
            and pad.pads[3] == (0, 0)
        )

    def storage(self, tensor: str) -> str:
        """The storage, or the view of storage, that holds a tensor."""
        first = 0
        while tensor in self._aliases or tensor in self._slices:
            if tensor in self._aliases:
                tensor = self._aliases[tensor]
            else:
                tensor, start = self._slices[tensor]
                first += start
        if first == 0:
            return tensor
        name = f"{tensor} from byte {first}"
        self.views[name] = (tensor, first)
        return name

    def step(self, number: int) -> Step:
        """The step of operator `number`."""
        region = self._regions.get(number)
        if region is not None:
            return lookup_step(self.graph, region, self.storage(region.root))
        operator = self.graph.operators[number]
        return _BUILDERS[type(operator)](self, number, operator)

    def tensor(self, name: str) -> Tensor:
        """A tensor of the graph."""
        return self.graph.tensors[name]

    def limits(self, operator: Operator) -> tuple[int, int]:
        """Lowest and highest output code."""
        activation = getattr(operator, "activation", Activation.NONE)
        return activation_limits(activation, self.tensor(operator.output))

    def merged_pad(self, operator: Operator) -> tuple[int, Pad] | None:
        """Number and operator of the PAD that a convolution takes over."""
        number = self._merged.get(operator.inputs[0])
        if number is None:
            return None
        pad = self.graph.operators[number]
        assert isinstance(pad, Pad)
        return number, pad

    def bias(self, operator: Operator, channels: int) -> NDArray[np.int64]:
        """Biases, zeros when there are none."""
        if len(operator.inputs) < 3 or not operator.inputs[2]:
            return np.zeros(channels, np.int64)
        return np.asarray(self.tensor(operator.inputs[2]).data).astype(np.int64).reshape(-1)

    def weights(self, operator: Operator) -> NDArray[np.int8]:
        """Codes of the weights."""
        return np.asarray(self.tensor(operator.inputs[1]).data).astype(np.int8)


def _needed(graph: Graph) -> set[int]:
    """Numbers of the operators that the output depends on."""
    wanted = set(graph.outputs)
    numbers = set()
    for number in reversed(range(len(graph.operators))):
        operator = graph.operators[number]
        if operator.output in wanted:
            numbers.add(number)
            wanted.update(operator.inputs)
    return numbers


def _operand(tensor: Tensor) -> Operand:
    shape = (1,) * (4 - len(tensor.shape)) + tensor.shape
    data: AnyCodes | None = None if tensor.data is None else tensor.data.astype(tensor.dtype.numpy)
    return Operand(shape, tensor.zero_point, data)


def _elementwise(context: Lowering, number: int, operator: Operator) -> Step:
    left, right = (context.tensor(name) for name in operator.inputs)
    output = context.tensor(operator.output)
    low, high = context.limits(operator)
    common: dict[str, Any] = {
        "operators": (number,),
        "kind": operator.kind,
        "name": operator.output,
        "inputs": tuple(context.storage(tensor.name) for tensor in (left, right) if not tensor.is_constant),
        "output": operator.output,
        "output_bytes": output.byte_size,
        "codes": output.dtype,
        "low": low,
        "high": high,
        "left": _operand(left),
        "right": _operand(right),
        "shape": _operand(output).shape,
        "output_zero": output.zero_point,
    }
    if isinstance(operator, Add):
        return AddStep(**common, factors=add_multipliers(left, right, output))
    return MulStep(**common, factor=mul_multiplier(left, right, output))


def _softmax(context: Lowering, number: int, operator: Operator) -> Step:
    return softmax_step(context.graph, number, operator, context.storage(operator.inputs[0]))


_BUILDERS: dict[type[Operator], Callable[[Lowering, int, Operator], Step]] = {
    Conv2D: image_lowering.convolution,
    DepthwiseConv2D: image_lowering.convolution,
    FullyConnected: image_lowering.dense,
    Add: _elementwise,
    Mul: _elementwise,
    AveragePool2D: image_lowering.pool,
    MaxPool2D: image_lowering.pool,
    Pad: image_lowering.pad,
    Transpose: tensor_lowering.transpose,
    Sub: tensor_lowering.difference,
    SquaredDifference: tensor_lowering.difference,
    Mean: tensor_lowering.reduction,
    Sum: tensor_lowering.reduction,
    BatchMatMul: tensor_lowering.batch_matmul,
    L2Normalization: tensor_lowering.l2_normalization,
    StridedSlice: sequence_lowering.strided_slice,
    Concatenation: sequence_lowering.concatenation,
    UnidirectionalSequenceLstm: sequence_lowering.lstm,
    Softmax: _softmax,
}
