"""Real numbers to int8 or int16 codes and back, at the model's input and output."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph import Tensor
from ppg_deploy.graph.arithmetic import code_limits
from ppg_deploy.graph.quantized_reference import Codes


def quantize_windows(x: NDArray[np.float32], tensor: Tensor) -> Codes:
    """Codes of the tensor's type for real values, rounded half to even and saturated."""
    codes = np.rint(x.astype(np.float64) / tensor.scale) + tensor.zero_point
    quantized: Codes = np.clip(codes, *code_limits(tensor)).astype(tensor.dtype.numpy)
    return quantized


def dequantize_codes(codes: Codes, tensor: Tensor) -> NDArray[np.float64]:
    """Real values of codes."""
    return (codes.astype(np.float64) - tensor.zero_point) * tensor.scale
