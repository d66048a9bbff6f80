"""Weights of the exact Winograd kernel: transformed, scaled and in the order that ppg_winograd.h describes."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import folded_biases
from ppg_deploy.compile.steps import WeightedStep
from ppg_deploy.compile.winograd_factors import FAST_RIGHT, SCALE, ChannelProof, WinogradFactor

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


def block_starts(channels: int) -> list[int]:
    """First output channel of each block; the second one overlaps the first where 4 does not divide the channels."""
    blocks = -(-channels // BLOCK)
    return [0] + [channels - BLOCK * (blocks - block) for block in range(1, blocks)]


@once_per_weights
def proven_blocks(step: WeightedStep) -> tuple[tuple[WinogradFactor, ...], ...] | None:
    """Factors of the 4 channels of each block, fast ones where all 4 have them; None when a channel has no factor."""
    largest = np.abs(transformed(step)).max(axis=(1, 2))
    shifts = [(_LARGEST_INT16 // max(int(value), 1)).bit_length() - 1 for value in largest]
    proofs = [ChannelProof(step, channel, shift) for channel, shift in enumerate(shifts)]
    fast = [None if is_signed(step) else proof.fast() for proof in proofs]
    blocks = []
    for start in block_starts(len(proofs)):
        chosen = fast[start : start + BLOCK]
        if None in chosen:
            chosen = [proof.any() for proof in proofs[start : start + BLOCK]]
        block = tuple(factor for factor in chosen if factor is not None)
        if len(block) < BLOCK:
            return None
        blocks.append(block)
    return tuple(blocks)


def is_signed(step: WeightedStep) -> bool:
    """True when codes below the output's zero point occur, for which negative accumulators are lowered."""
    return step.low < step.output_zero


@once_per_weights
def pack_winograd(step: WeightedStep) -> NDArray[np.int32]:
    """The stream of ppg_winograd_t, (blocks, words of a block)."""
    blocks = proven_blocks(step)
    assert blocks is not None
    channels, depth = len(step.weights), step.weights.shape[3]
    weights, biases = transformed(step), np.array(folded_biases(step), np.int64)
    pairs = pair_count(depth)
    width = 3 if is_signed(step) else 2
    rows = []
    for start, factors in zip(block_starts(channels), blocks, strict=True):
        chosen = slice(start, start + BLOCK)
        scaled = weights[chosen] << np.array([factor.shift for factor in factors])[:, None, None]
        scales = np.array([SCALE << factor.shift for factor in factors])
        starts = biases[chosen] * scales + _OFFSET * scaled[:, 0].sum(axis=1)
        starts += np.array([factor.offset for factor in factors])
        flags = _flags(pairs, all(factor.right == FAST_RIGHT for factor in factors) and width == 2)
        table = [(factor.multiplier, factor.first, factor.less)[:width] for factor in factors]
        words = np.concatenate([[flags], starts, _in_order(_in_pairs(scaled, pairs)), np.ravel(table)])
        rows.append((words & 0xFFFFFFFF).astype(np.uint32).view(np.int32))
    return np.stack(rows)


def _flags(pairs: int, is_fast: bool) -> int:
    """APSR as ppg_winograd.h describes it."""
    negative, zero, carry, overflow = not is_fast, pairs == FEWEST_PAIRS, pairs == 12, pairs > UNROLLED_PAIRS
    return negative << 31 | zero << 30 | carry << 29 | overflow << 28


def _in_pairs(scaled: NDArray[np.int64], pairs: int) -> NDArray[np.int32]:
    """Words of two input channels, (channels, slots, pairs), of weights (channels, slots, input channels)."""
    channels, slots, depth = scaled.shape
    padded = np.zeros((channels, slots, 2 * pairs), np.int16)
    padded[:, :, :depth] = scaled
    # (channels, slots, groups of 4, half of a word, parity) -> a word for each of a group's two pairs.
    halves = padded.reshape(channels, slots, pairs // 2, 2, 2).swapaxes(3, 4)
    return np.ascontiguousarray(halves).view(np.int32).reshape(channels, slots, pairs)


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
