"""The end of every int16 operator: the fused activation and saturation."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import activation_limits
from ppg_deploy.graph.operators import Activation
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int16]
Wide = NDArray[np.int64]


def clamped(values: Wide, activation: Activation, output: Tensor) -> Codes:
    """int16 codes of results."""
    low, high = activation_limits(activation, output)
    return np.clip(values, low, high).astype(np.int16)
