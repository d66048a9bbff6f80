"""Real numbers to int8 codes and back, at the model's input and output."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Tensor


def quantize_windows(x: NDArray[np.float32], tensor: Tensor) -> NDArray[np.int8]:
    """int8 codes of real values, rounded half to even and saturated."""
    codes = np.rint(x.astype(np.float64) / tensor.scale) + tensor.zero_point
    return np.asarray(np.clip(codes, -128, 127), np.int8)


def dequantize_codes(codes: NDArray[np.int8], tensor: Tensor) -> NDArray[np.float64]:
    """Real values of int8 codes."""
    return (codes.astype(np.float64) - tensor.zero_point) * tensor.scale
