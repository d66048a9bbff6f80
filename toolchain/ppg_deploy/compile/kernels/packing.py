"""The stream of biases, weights and factors that ppg_matrix.h describes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import Factor


def step_count(window_values: int) -> int:
    """Steps of 4 values that cover a window."""
    return -(-window_values // 4)


def pack_stream(
    weights: NDArray[np.int8],
    biases: list[int],
    factors: tuple[Factor, ...],
    *,
    neighbours: bool = False,
) -> NDArray[np.int32]:
    """Words of all channel pairs, one after the other.

    Args:
        weights: int8 (channels, window values).
        biases: per channel, the input's zero point already folded in.
        factors: per channel.
        neighbours: a word holds weights of two values that lie side by side, as int16 columns want them.
    """
    channels, values = weights.shape
    even = channels + channels % 2
    steps = step_count(values)
    padded = np.zeros((even, 4 * steps), np.int8)
    padded[:channels, :values] = weights
    # (pairs, A or B, steps, value in step) -> words (first or second) of bytes (A[0], B[0], A[2], B[2]), or, for
    # neighbours, (A[0], B[0], A[1], B[1]).
    by_step = padded.reshape(even // 2, 2, steps, 2, 2)
    order = (0, 2, 3, 4, 1) if neighbours else (0, 2, 4, 3, 1)
    words_as_bytes = np.ascontiguousarray(by_step.transpose(order)).reshape(even // 2, -1)
    packed = words_as_bytes.view("<i4")
    words = []
    for pair in range(even // 2):
        words += [biases[channel] if channel < channels else 0 for channel in (2 * pair, 2 * pair + 1)]
        words += packed[pair].tolist()
        for channel in (2 * pair, 2 * pair + 1):
            words += factors[min(channel, channels - 1)].words
    return np.array(words, np.int32)
