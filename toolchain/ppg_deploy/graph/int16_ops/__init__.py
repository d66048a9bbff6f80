"""What each operator means with int16 activations and int8 weights: TFLM's arithmetic in numpy, a file a family.

Zero points are 0. Operands and result are codes (N, ...), constants without the batch axis. Source of every formula:
tensorflow/lite/micro/kernels and tensorflow/lite/kernels/internal/reference/integer_ops.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.code_ops import elementwise, pooling
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int16_ops import shaping, weighted
from ppg_deploy.graph.operators import (
    Add,
    AveragePool2D,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Reshape,
)

Codes = NDArray[np.signedinteger]
Operands = list[NDArray[np.generic]]
Kernel = Callable[[Graph, Operator, Operands], Codes]

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
}
