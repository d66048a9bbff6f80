"""The sliding windows that convolutions and pools look through."""

from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ppg_deploy.graph.operators import Padding
from ppg_deploy.graph.shapes import window_pads

Number = TypeVar("Number", bound=np.generic)


def patches(
    source: NDArray[Number],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding,
    fill: float,
) -> NDArray[Number]:
    """View (N, out_h, out_w, channels, kernel_h, kernel_w) of a batch (N, height, width, channels).

    `fill` is the value outside the borders.
    """
    rows = window_pads(source.shape[1], kernel[0], stride[0], dilation[0], padding)
    columns = window_pads(source.shape[2], kernel[1], stride[1], dilation[1], padding)
    padded = np.pad(source, ((0, 0), rows, columns, (0, 0)), constant_values=fill)
    extent = ((kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    view = sliding_window_view(padded, extent, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
