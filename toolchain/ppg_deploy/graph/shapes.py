"""Shape rules of the operators and their cost in multiply-accumulates."""

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import (
    BatchMatMul,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Operator,
    Padding,
    UnidirectionalSequenceLstm,
)


def window_output(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> int:
    """Output length of a convolution or pool along one axis; 0 or less when the window does not fit."""
    effective = (kernel - 1) * dilation + 1
    if padding is Padding.SAME:
        return -(-size // stride)
    return (size - effective) // stride + 1


def window_pads(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> tuple[int, int]:
    """(before, after) elements a padding adds along one axis. Source: TFLite ComputePaddingWithOffset."""
    if padding is Padding.VALID:
        return (0, 0)
    effective = (kernel - 1) * dilation + 1
    total = max((window_output(size, kernel, stride, dilation, padding) - 1) * stride + effective - size, 0)
    return (total // 2, total - total // 2)


def multiply_accumulates(graph: Graph, operator: Operator) -> int:
    """Multiply-accumulates of one operator, padding included; 0 for operators without weights."""
    if isinstance(operator, BatchMatMul):
        summed = graph.tensors[operator.inputs[0]].shape[-2 if operator.adjoint_first else -1]
        return graph.tensors[operator.output].size * summed
    if isinstance(operator, UnidirectionalSequenceLstm):
        _, steps, units = graph.tensors[operator.output].shape
        return 4 * steps * units * (graph.tensors[operator.inputs[0]].shape[-1] + units)
    if not isinstance(operator, Conv2D | DepthwiseConv2D | FullyConnected):
        return 0
    output = graph.tensors[operator.output]
    weights = graph.tensors[operator.inputs[1]]
    if isinstance(operator, Conv2D):
        return output.size * weights.size // weights.shape[0]
    if isinstance(operator, DepthwiseConv2D):
        return output.size * weights.shape[1] * weights.shape[2]
    return output.size * weights.shape[1]


def total_multiply_accumulates(graph: Graph) -> int:
    """Multiply-accumulates of one inference."""
    return sum(multiply_accumulates(graph, operator) for operator in graph.operators)
