"""What each operator means in float32, a file a family: operands (N, ...) in, result (N, ...) out.

The fused activation is applied by `float_reference`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.float_ops import elementwise, pooling, recurrent, shaping, slicing, weighted
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import (
    Add,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Reshape,
    StridedSlice,
    UnidirectionalSequenceLstm,
)

Floats = NDArray[np.float32]
# The LSTM answers with two tensors: hidden and cell states.
Kernel = Callable[[Graph, Operator, list[Floats]], Floats | tuple[Floats, ...]]

KERNELS: dict[type[Operator], Kernel] = {
    Conv2D: weighted.convolution,
    DepthwiseConv2D: weighted.depthwise,
    FullyConnected: weighted.dense,
    Add: elementwise.add,
    Mul: elementwise.mul,
    AveragePool2D: pooling.average_pool,
    MaxPool2D: pooling.max_pool,
    Pad: shaping.pad,
    Reshape: shaping.reshape,
    StridedSlice: slicing.strided_slice,
    Concatenation: slicing.concatenation,
    UnidirectionalSequenceLstm: recurrent.lstm,
}
