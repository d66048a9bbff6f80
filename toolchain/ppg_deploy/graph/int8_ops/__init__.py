"""What each int8 operator means: TFLM's arithmetic in numpy, a file a family.

Operands and result are codes (N, ...), constants without the batch axis. Source of every formula:
tensorflow/lite/micro/kernels and tensorflow/lite/kernels/internal/reference/integer_ops.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.code_ops import elementwise, pooling
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int8_ops import (
    activations,
    difference,
    matrix,
    normalization,
    recurrent,
    reduction,
    shaping,
    slicing,
    weighted,
)
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
    StridedSlice: slicing.strided_slice,
    Concatenation: slicing.concatenation,
    UnidirectionalSequenceLstm: recurrent.lstm,
    Transpose: matrix.transpose,
    BatchMatMul: matrix.batch_matmul,
    Sub: difference.sub,
    SquaredDifference: difference.squared_difference,
    Mean: reduction.reduce,
    Sum: reduction.reduce,
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
