"""Sigmoid and hyperbolic tangent of int16 codes, as the gates of TFLM's int8 LSTM compute them.

Source: tensorflow/lite/kernels/internal/reference/integer_ops/{logistic,tanh}.h: a table of the sigmoid in steps of
1/24, interpolated linearly; 24 because the integers that enter it are 3 times the codes in steps of 2**-12.
"""

import numpy as np
from numpy.typing import NDArray

Wide = NDArray[np.int64]


def _sigmoid_table() -> Wide:
    """sigmoid(i / 24) in steps of 2**-16, raised by half of what linear interpolation cuts off the curve.

    The last entry is the end of the curve. These are TFLM's 256 numbers, found again from its LOGISTIC and TANH.
    """
    points = np.arange(256) / 24.0
    curve = 1.0 / (1.0 + np.exp(-points))
    bend = curve * (1.0 - curve) * (1.0 - 2.0 * curve)
    table = np.rint(65536.0 * (curve - bend / 24.0**2 / 16.0)).astype(np.int64)
    table[-1] = 65535
    return table


SIGMOID_TABLE = _sigmoid_table()


def saturated16(values: Wide) -> Wide:
    """Limited to the int16 codes."""
    return np.clip(values, -(1 << 15), (1 << 15) - 1)


def sigmoid16(codes: Wide) -> Wide:
    """Codes in steps of 2**-15 of the sigmoid of int16 codes in steps of 2**-12."""
    scaled = 3 * codes
    value = _interpolated(scaled, 9)
    # One half is 2**24 here; the lower half of the curve is the upper one turned around.
    value = np.where(scaled >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1)
    return np.asarray(value >> 10, np.int64)


def tanh16(codes: Wide, shift: int) -> Wide:
    """Codes in steps of 2**-15 of the hyperbolic tangent of int16 codes in steps of 2**(shift - 12)."""
    scaled = codes * (3 << shift)
    value = _interpolated(scaled, 8)
    value = np.where(scaled >= 0, value - (1 << 23) + (1 << 7), -value + (1 << 23) + (1 << 7) - 1)
    return np.asarray(value >> 8, np.int64)


def _interpolated(scaled: Wide, bits: int) -> Wide:
    """The table at |scaled| / 2**bits, in steps of 2**-(16 + bits)."""
    size = np.abs(scaled)
    index = size >> bits
    saturated = index >= 255
    index = np.minimum(index, 254)
    low, high = SIGMOID_TABLE[index], SIGMOID_TABLE[index + 1]
    value = (low << bits) + (size & ((1 << bits) - 1)) * (high - low)
    top = 0x7FFF << 10 if bits == 9 else 0xFFFF << 8
    return np.where(saturated, top, value)
