"""The quantiser's own float graph as a PyTorch network, so that what is trained is what will be quantised.

Batch norms are folded and ReLUs fused already; every activation of the graph passes through fake quantisation.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.int8_training.fake_quantization import fake_activation, fake_mean, fake_weights
from ppg_deploy.convert import Conversion
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Graph, Quantization
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Pool2D,
    Relu,
    Relu6,
    Reshape,
)
from ppg_deploy.graph.shapes import window_pads
from ppg_deploy.quantization.calibration import Range

Pads = tuple[int, int]
_WEIGHTED = (Conv2D, DepthwiseConv2D, FullyConnected)
_SUPPORTED = (*_WEIGHTED, Add, Mul, AveragePool2D, MaxPool2D, Pad, Reshape, Relu, Relu6)


class GraphNetwork(nn.Module):  # type: ignore[misc, unused-ignore]
    """Normalised windows in the ONNX input's shape to outputs (N, outputs) in the ONNX order.

    Args:
        conversion: a converted student.

    Attributes:
        quantization: parameters of every activation; None computes in float.

    Raises:
        UnsupportedModelError: an operator that fake quantisation does not know; the message names it.
    """

    def __init__(self, conversion: Conversion) -> None:
        super().__init__()
        graph = conversion.graph
        _check(conversion)
        self.graph = graph
        self.quantization: Mapping[str, Quantization] | None = None
        self._input_axes = conversion.input_axes
        order = np.argsort(conversion.output_order)
        self._output_order = None if np.array_equal(order, np.arange(len(order))) else order.tolist()
        self._ranges: dict[str, Range] | None = None
        self.weights = nn.ParameterDict()
        self.biases = nn.ParameterDict()
        for index, operator in enumerate(graph.operators):
            if isinstance(operator, _WEIGHTED):
                weights, bias = (np.array(graph.tensors[name].data) for name in operator.inputs[1:])
                self.weights[str(index)] = nn.Parameter(torch.from_numpy(_to_torch(operator, weights)))
                self.biases[str(index)] = nn.Parameter(torch.from_numpy(bias))
        # Plain numbers from the graph: while a tracer exports, sizes of tensors are none.
        self._pads: dict[int, tuple[Pads, Pads]] = {}
        self._groups: dict[int, int] = {}
        for index, operator in enumerate(graph.operators):
            if isinstance(operator, Conv2D | DepthwiseConv2D):
                kernel = self.weights[str(index)].shape
                self._pads[index] = _pads(graph, operator, (kernel[2], kernel[3]), operator.dilation)
                self._groups[index] = graph.tensors[operator.inputs[0]].shape[3] // kernel[1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, *ONNX input shape without batch) to (N, outputs)."""
        shape = self.graph.input.shape[1:]
        arranged = x.permute(self._input_axes).reshape(-1, *shape)
        source = arranged.permute(0, 3, 1, 2) if len(shape) == 3 else arranged
        values = {self.graph.inputs[0]: self._seen(self.graph.inputs[0], source)}
        for index, operator in enumerate(self.graph.operators):
            values[operator.output] = self.run_operator(index, values)
        output = _flat(values[self.graph.outputs[0]])
        return output if self._output_order is None else output[:, self._output_order]

    def run_operator(self, index: int, values: Mapping[str, Tensor]) -> Tensor:
        """Output of the graph's operator `index`, from activations by name: (N, channels, height, width) or (N, n)."""
        operator = self.graph.operators[index]
        result = _activated(operator, self._compute(index, operator, values))
        return self._seen(operator.output, result, is_mean=isinstance(operator, AveragePool2D))

    def ranges(self, x: Tensor) -> dict[str, Range]:
        """Smallest and largest float value of each activation over windows, as `quantize` will find them."""
        quantization, self.quantization, self._ranges = self.quantization, None, {}
        try:
            with torch.no_grad():
                for part in x.split(64):
                    self(part)
            return self._ranges
        finally:
            self.quantization, self._ranges = quantization, None

    def _seen(self, name: str, values: Tensor, *, is_mean: bool = False) -> Tensor:
        if self._ranges is not None:
            low, high = self._ranges.get(name, (np.inf, -np.inf))
            self._ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
        if self.quantization is None:
            return values
        return (fake_mean if is_mean else fake_activation)(values, self.quantization[name])

    def _compute(self, index: int, operator: Operator, values: Mapping[str, Tensor]) -> Tensor:
        source = values[operator.inputs[0]]
        match operator:
            case Conv2D() | DepthwiseConv2D() | FullyConnected():
                return self._weighted(index, operator, source)
            case Add():
                return source + values[operator.inputs[1]]
            case Mul():
                return source * values[operator.inputs[1]]
            case AveragePool2D():
                return functional.avg_pool2d(source, operator.filter, operator.stride)
            case MaxPool2D():
                return functional.max_pool2d(source, operator.filter, operator.stride)
            case Pad(pads=(_, rows, columns, channels)):
                return functional.pad(source, (*columns, *rows, *channels))
            case Reshape():
                shape = self.graph.tensors[operator.output].shape[1:]
                reshaped = _flat(source).reshape(-1, *shape)
                return reshaped.permute(0, 3, 1, 2) if len(shape) == 3 else reshaped
            case _:
                return source

    def _weighted(
        self, index: int, operator: Conv2D | DepthwiseConv2D | FullyConnected, source: Tensor
    ) -> Tensor:
        weights, bias = self.weights[str(index)], self.biases[str(index)]
        if self.quantization is not None:
            weights, bias = fake_weights(weights, bias, self.quantization[operator.inputs[0]].scale[0])
        if isinstance(operator, FullyConnected):
            return functional.linear(_flat(source), weights, bias)
        rows, columns = self._pads[index]
        padding = (rows[0], columns[0])
        if rows[0] != rows[1] or columns[0] != columns[1]:
            source, padding = functional.pad(source, (*columns, *rows)), (0, 0)
        groups = self._groups[index]
        return functional.conv2d(source, weights, bias, operator.stride, padding, operator.dilation, groups)


def _activated(operator: Operator, values: Tensor) -> Tensor:
    activation = getattr(operator, "activation", Activation.NONE)
    if activation is Activation.RELU or isinstance(operator, Relu):
        return functional.relu(values)
    if activation is Activation.RELU6 or isinstance(operator, Relu6):
        return functional.relu6(values)
    return values


def _flat(values: Tensor) -> Tensor:
    """(N, ...) in the graph's memory order, channels last."""
    return (values.permute(0, 2, 3, 1) if values.dim() == 4 else values).flatten(1)


def _to_torch(
    operator: Operator, weights: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(out, in, kernel_h, kernel_w) of convolutions; dense weights stay (out, in)."""
    if isinstance(operator, FullyConnected):
        return weights
    axes = (0, 3, 1, 2) if isinstance(operator, Conv2D) else (3, 0, 1, 2)
    return np.ascontiguousarray(weights.transpose(axes))


def _check(conversion: Conversion) -> None:
    graph = conversion.graph
    hint = "set int8.epochs = 0 for this student"
    if conversion.head is not None or graph.tied:
        raise UnsupportedModelError(
            f"{graph.name}: int8 training does not know softmax heads and unrolled loops", hint=hint
        )
    for operator in graph.operators:
        constant_operand = isinstance(operator, Add | Mul) and any(
            graph.tensors[name].is_constant for name in operator.inputs
        )
        if not isinstance(operator, _SUPPORTED) or constant_operand:
            raise UnsupportedModelError(f"int8 training does not know {operator.kind} here", hint=hint)
        if any(len(graph.tensors[name].shape) not in (2, 4) for name in operator.outputs):
            raise UnsupportedModelError(
                f"int8 training does not know the shape of {operator.output}", hint=hint
            )
        if isinstance(operator, Pool2D) and _pads(graph, operator, operator.filter) != ((0, 0), (0, 0)):
            raise UnsupportedModelError(f"int8 training does not know padding in {operator.kind}", hint=hint)


def _pads(
    graph: Graph,
    operator: Conv2D | DepthwiseConv2D | Pool2D,
    kernel: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[Pads, Pads]:
    """(before, after) along rows and columns."""
    _, height, width, _ = graph.tensors[operator.inputs[0]].shape
    return (
        window_pads(height, kernel[0], operator.stride[0], dilation[0], operator.padding),
        window_pads(width, kernel[1], operator.stride[1], dilation[1], operator.padding),
    )
