"""Weights of the exact Winograd kernel: transformed, scaled and in the order that ppg_winograd.h describes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import folded_biases
from ppg_deploy.compile.steps import WeightedStep
from ppg_deploy.compile.winograd_factors import SCALE, WinogradFactor, winograd_factors

BLOCK = 4
"""Output channels of a block."""
FEWEST_PAIRS = 8
UNROLLED_PAIRS = 16
_PAIR_BYTES = 48
_LARGEST_INT16 = (1 << 15) - 1

# 24 times F(4,3)'s transform of a kernel (g0, g1, g2), one row per slot.
_TRANSFORM = np.array([[-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [6, 0, 0], [0, 0, 24]], np.int64)
# The first slot's transformed inputs arrive lowered by this.
_OFFSET = 1024


def pair_count(channels: int) -> int:
    """Pairs of input channels, with those of the padding: 8, 12 or a multiple of 8."""
    unit = 4 if channels <= 2 * UNROLLED_PAIRS else 8
    return max(FEWEST_PAIRS, unit * -(-channels // (2 * unit)))


def transformed(step: WeightedStep) -> NDArray[np.int64]:
    """24 times the transformed weights: (output channels, slots, input channels)."""
    kernels = step.weights[:, 0].astype(np.int64)
    return np.asarray(np.einsum("sk,okc->osc", _TRANSFORM, kernels))


@once_per_weights
def proven_stream_factors(step: WeightedStep) -> tuple[WinogradFactor, ...] | None:
    """Factors of all channels, or None."""
    largest = np.abs(transformed(step)).max(axis=(1, 2))
    shifts = [(_LARGEST_INT16 // max(int(value), 1)).bit_length() - 1 for value in largest]
    return winograd_factors(step, tuple(shifts))


def has_signed_form(step: WeightedStep) -> bool:
    """True when some channel lowers negative accumulators."""
    factors = proven_stream_factors(step)
    return factors is not None and any(factor.less for factor in factors)


def block_starts(channels: int) -> list[int]:
    """First output channel of each block; the second one overlaps the first where 4 does not divide the channels."""
    blocks = -(-channels // BLOCK)
    return [0] + [channels - BLOCK * (blocks - block) for block in range(1, blocks)]


@once_per_weights
def pack_winograd(step: WeightedStep) -> NDArray[np.int32]:
    """The stream of ppg_winograd_t, (blocks, words of a block)."""
    factors = proven_stream_factors(step)
    assert factors is not None
    channels, depth = len(step.weights), step.weights.shape[3]
    scaled = transformed(step) << np.array([factor.shift for factor in factors])[:, None, None]
    pairs = pair_count(depth)
    padded = np.zeros((channels, 6, 2 * pairs), np.int16)
    padded[:, :, :depth] = scaled
    # (channels, slots, groups of 4, half of a word, parity) -> a word for each of a group's two pairs.
    halves = padded.reshape(channels, 6, pairs // 2, 2, 2).swapaxes(3, 4)
    words = np.ascontiguousarray(halves).view("<i4").reshape(channels, 6, pairs)
    scales = np.array([SCALE << factor.shift for factor in factors], np.int64)
    biases = np.array(folded_biases(step), np.int64) * scales + _OFFSET * scaled[:, 0].sum(axis=1)
    wrapped = (biases & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    width = 3 if has_signed_form(step) else 2
    table = np.array([(factor.multiplier, factor.first, factor.less)[:width] for factor in factors], np.int32)
    blocks = []
    for start in block_starts(channels):
        chosen = slice(start, start + BLOCK)
        blocks.append(np.concatenate([wrapped[chosen], _in_order(words[chosen]), table[chosen].reshape(-1)]))
    return np.stack(blocks).astype(np.int32)


def _in_order(words: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
    """A block's weights (channels, slots, pairs) in the order of use, with the words between eights of pairs."""
    ordered = words.transpose(1, 2, 0)
    pairs = words.shape[2]
    if pairs <= UNROLLED_PAIRS:
        return ordered.reshape(-1)
    pieces = []
    for slot in ordered:
        pieces.append(slot[:8].reshape(-1))
        for end in range(16, pairs + 1, 8):
            on = 8 * _PAIR_BYTES if end < pairs else -(pairs - 16) * _PAIR_BYTES
            pieces += [slot[end - 8 : end].reshape(-1), np.array([on])]
    return np.concatenate(pieces)
