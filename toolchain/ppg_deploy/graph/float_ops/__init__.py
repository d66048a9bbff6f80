"""What each operator means in float32, a file a family: operands (N, ...) in, result (N, ...) out.

The fused activation is applied by `float_reference`.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.float_ops import (
    activations,
    elementwise,
    matrix,
    normalization,
    pooling,
    recurrent,
    shaping,
    slicing,
    weighted,
)
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import (
    Add,
    AveragePool2D,
    BatchMatMul,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    Gelu,
    HardSwish,
    L2Normalization,
    LeakyRelu,
    Logistic,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Relu,
    Relu6,
    Reshape,
    Rsqrt,
    Softmax,
    SquaredDifference,
    StridedSlice,
    Sub,
    Sum,
    Tanh,
    Transpose,
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
    Transpose: matrix.transpose,
    BatchMatMul: matrix.batch_matmul,
    Sub: normalization.sub,
    SquaredDifference: normalization.squared_difference,
    Mean: normalization.mean,
    Sum: normalization.total,
    Rsqrt: normalization.rsqrt,
    L2Normalization: normalization.l2_normalization,
    Relu: activations.relu,
    Relu6: activations.relu6,
    LeakyRelu: activations.leaky_relu,
    Elu: activations.elu,
    HardSwish: activations.hard_swish,
    Logistic: activations.logistic,
    Tanh: activations.tanh,
    Gelu: activations.gelu,
    Softmax: activations.softmax,
}
