"""The end of every operator on codes: the fused activation and saturation."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import activation_limits
from ppg_deploy.graph.operators import Activation
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.signedinteger]
Wide = NDArray[np.int64]


def clamped(values: Wide, activation: Activation, output: Tensor) -> Codes:
    """Codes, of the output's type, of results that include its zero point."""
    low, high = activation_limits(activation, output)
    return np.clip(values, low, high).astype(output.dtype.numpy)
