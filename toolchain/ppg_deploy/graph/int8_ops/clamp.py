"""The end of every int8 operator: the fused activation and saturation."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import activation_limits
from ppg_deploy.graph.operators import Activation
from ppg_deploy.graph.tensor import Tensor

Codes = NDArray[np.int8]
Wide = NDArray[np.int64]


def clamped(values: Wide, activation: Activation, output: Tensor) -> Codes:
    """int8 codes of results that include the output's zero point."""
    low, high = activation_limits(activation, output)
    return np.clip(values, low, high).astype(np.int8)
