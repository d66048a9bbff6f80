"""Words, jumps and proofs of the Kronecker convolution: ppg_kronecker.h has the algebra and the layout.

Ranges. With u = input + 128 (0 to 255), a channel's accumulator is a = b + sum of w u, where the folded bias b = bias -
(zero + 128) * sum of w. Its sum splits into low (taps that stand in the lower field of their word) and high (the
others). A center c is taken off so that a - c lies around 0. The kernel sees three fields of 21, 21 and 22 bits,
started at

    first   S = -(least low)          so that first + low is 0 or more, and a block never borrows from the field above
    middle  O = b - c + 2^20          so that middle + sum of w u = a - c + 2^20
    last    O - S                     goes on in the next first field: S + (O - S) + low + high = a - c + 2^20 as well

so every finished field holds a - c + 2^20, which fits 21 bits when -2^20 < a - c < 2^20: there is such a c when the
width of a, largest less least, is at most 2^21 - 2. Then no field is ever negative or too large: S + low lies between
0 and (largest low - least low), which is no more than the width of a; the last field, O - S + high = O + least low +
high, is one of the values of a - c + 2^20 too. Sums on the way may leave their fields: they wrap modulo 2^64 and come
back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import gcd

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.requantize import accumulator_ranges, constant_codes
from ppg_deploy.compile.steps import ConvolutionStep, WeightedStep

FIELD_BITS = 21
_HALF = 1 << (FIELD_BITS - 1)
# The short form of requantisation adds twice the center, which shares a word with the right shift.
_LARGEST_CENTER = 1 << 21
LARGEST_CODE = 255

ROW_WORDS = 16
ROW_BYTES = 4 * ROW_WORDS
BLOCK_POSITIONS = 4
FIXED_RIGHT = 17


@dataclass(frozen=True)
class Steps:
    """A group of equal steps in the machine code: `count` steps of `size` bytes from `begin` on.

    A step covers `rows` rows of packs with `taps` words of taps each, in `cycles` cycles.
    """

    begin: int
    count: int
    size: int
    rows: int
    taps: int
    cycles: int
    half_begin: int
    half_size: int
    half_cycles: int

    @property
    def end(self) -> "Places":
        """Behind the jump that ends the group: the place that this jump counts from."""
        half = self.half_begin + self.count * self.half_size + _HALF_JUMP_BYTES
        return Places(self.begin + self.count * self.size + _JUMP_BYTES, half)

    def last(self, steps: int) -> "Places":
        """Where the last so many steps begin."""
        skipped = self.count - steps
        return Places(self.begin + skipped * self.size, self.half_begin + skipped * self.half_size)


@dataclass(frozen=True)
class Places:
    """The same code of a block and of half a block."""

    block: int
    half: int

    def jump_to(self, to: "Places") -> int:
        """The word of a jump that is taken here."""
        return ((to.block - self.block) & 0xFFFF) + ((to.half - self.half) << 16)


# The macros of ppg_kronecker.h.
_JUMP_BYTES, _HALF_JUMP_BYTES = 8, 12
_HALF_START_AT = -48
_HALF_PASS_AT = _HALF_START_AT - 68
_HALF_MOVE_AT = _HALF_PASS_AT - 20
_HALF_ONES_AT = _HALF_MOVE_AT - 8 * 40 - 12
_HALF_TWOS_AT = _HALF_ONES_AT - 16 * 40 - 12
HALF_THREES_AT = _HALF_TWOS_AT - 16 * 60 - 12
_THREES = Steps(0, 16, 88, rows=1, taps=3, cycles=25, half_begin=HALF_THREES_AT, half_size=60, half_cycles=17)
_TWOS = Steps(
    _THREES.end.block,
    16,
    60,
    rows=1,
    taps=2,
    cycles=17,
    half_begin=_HALF_TWOS_AT,
    half_size=40,
    half_cycles=12,
)
_ONES = Steps(
    _TWOS.end.block, 8, 64, rows=2, taps=1, cycles=18, half_begin=_HALF_ONES_AT, half_size=40, half_cycles=12
)
_GROUPS = {3: _THREES, 2: _TWOS, 1: _ONES}
_MOVE = Places(_ONES.end.block, _HALF_MOVE_AT)
FIXED_AT = _MOVE.block + 16
_START_AT = FIXED_AT + 256
SCALED_AT = _START_AT + 52
PROVEN_AT = SCALED_AT + 300
_PASS_AT = PROVEN_AT + 356
SUMMED_AT = _PASS_AT + 80
_SLOT_BYTES = 120
LARGEST_NUMBER_OF_PASSES = 4
_AFTER_START = Places(SCALED_AT, 0)
_AFTER_MOVE = Places(FIXED_AT, _HALF_PASS_AT)
_PASS = Places(_PASS_AT, _HALF_PASS_AT)
_AFTER_PASS = Places(SUMMED_AT, _HALF_START_AT)
# Accumulators that a pass keeps.
KEPT_BYTES = 32
# Words of taps per channel, as the groups that make them up.
_DIVISION = {1: (1,), 2: (2,), 3: (3,), 4: (2, 2), 5: (3, 2)}
LARGEST_KERNEL = 9


@dataclass(frozen=True)
class Segment:
    """All input channels of a residue in one group of steps.

    The first step takes rows from `row` on, and of them packs from `pack` on; words of taps from `word` on.
    """

    group: Steps
    residue: int
    row: int
    pack: int
    word: int
    channels: int

    @property
    def steps(self) -> int:
        """Steps that are run."""
        return -(-self.channels // self.group.rows)

    @property
    def first_byte(self) -> int:
        """Where the packs of the first step begin, from those of the block's first row."""
        return self.row * ROW_BYTES + 4 * self.pack

    @property
    def end_byte(self) -> int:
        """Where the last step leaves the pointer to the packs."""
        return self.first_byte + self.steps * self.group.rows * ROW_BYTES


@dataclass(frozen=True)
class Piece:
    """Steps of a segment, from `first` on."""

    segment: Segment
    first: int
    steps: int

    @property
    def first_byte(self) -> int:
        """Where the packs of the first step begin, from those of the block's first row."""
        return self.segment.first_byte + self.first * self.segment.group.rows * ROW_BYTES

    @property
    def end_byte(self) -> int:
        """Where the last step leaves the pointer to the packs."""
        return self.first_byte + self.steps * self.segment.group.rows * ROW_BYTES

    @property
    def jumps(self) -> int:
        """Jumps into the group."""
        return -(-self.steps // self.segment.group.count)


@dataclass(frozen=True, eq=False)
class Pass:
    """Steps whose sums the fields hold, and what each channel's accumulators start at, as 64 bits."""

    pieces: tuple[Piece, ...]
    starts: NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """How a convolution's columns, taps and channels are cut up; stride and dilation are those of columns."""

    kernel: int
    stride: int
    dilation: int
    channels: int

    @property
    def phases(self) -> int:
        """Interleaved output columns that are computed apart."""
        return self.dilation // gcd(self.stride, self.dilation)

    @property
    def residues(self) -> int:
        """Interleaved taps that see different inputs."""
        return self.stride // gcd(self.stride, self.dilation)

    def words(self, residue: int) -> int:
        """Words of taps per channel of a residue."""
        return -(-len(range(residue, self.kernel, self.residues)) // 2)

    @cached_property
    def residue_rows(self) -> int:
        """Rows of packs per residue; even where steps take two."""
        takes_two = any(self.words(residue) == 1 for residue in range(self.used_residues))
        return self.channels + (self.channels % 2 if takes_two else 0)

    @property
    def used_residues(self) -> int:
        """Residues that have taps."""
        return min(self.residues, self.kernel)

    @property
    def extra_packs(self) -> int:
        """Packs of a row beyond two per block."""
        return max(self.words(residue) for residue in range(self.used_residues)) - 1

    @property
    def blocks(self) -> int:
        """Blocks per chunk."""
        return (ROW_WORDS - self.extra_packs) // 2

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """In the order of the stream."""
        segments = []
        for residue in range(self.used_residues):
            word = 0
            for size in _DIVISION[self.words(residue)]:
                row = residue * self.residue_rows
                segments.append(Segment(_GROUPS[size], residue, row, word, word, self.channels))
                word += size
        return tuple(segments)

    @property
    def end_byte(self) -> int:
        """Where a block leaves the pointer to the packs."""
        return self.segments[-1].end_byte


def layout_of(step: ConvolutionStep) -> Layout:
    """The layout of a step."""
    window = step.window
    return Layout(window.kernel[1], window.stride[1], window.dilation[1], step.source.channels)


def centers(step: WeightedStep) -> NDArray[np.int64]:
    """What is taken off each channel's accumulators: as little as possible, 0 for constant channels."""
    low, high = (np.array(ends, np.int64) for ends in zip(*accumulator_ranges(step), strict=True))
    is_constant = np.array([code is not None for code in constant_codes(step)])
    return np.where(is_constant, 0, np.minimum(np.maximum(0, high - _HALF + 1), low + _HALF - 1))


def fields_hold(step: WeightedStep) -> bool:
    """True when no field of a channel that is not constant can overflow."""
    center = centers(step)
    return bool(np.all(np.abs(center) < _LARGEST_CENTER)) and all(
        constant is not None or (low - around > -_HALF and high - around < _HALF)
        for constant, (low, high), around in zip(
            constant_codes(step), accumulator_ranges(step), center.tolist(), strict=True
        )
    )


def single_pass(step: ConvolutionStep, layout: Layout) -> tuple[Pass]:
    """All steps, for channels that fields_hold."""
    return (Pass(tuple(Piece(one, 0, one.steps) for one in layout.segments), starts(step, layout)),)


def jumps(passes: Sequence[Pass]) -> int:
    """Jumps in a block, moves included, those from pass to pass not."""
    pieces = [piece for one in passes for piece in one.pieces]
    moves = sum(after.first_byte != before.end_byte for before, after in pairwise(pieces))
    return 1 + moves + sum(piece.jumps for piece in pieces)


def starts(step: ConvolutionStep, layout: Layout) -> NDArray[np.int64]:
    """What each channel's accumulators start at when there is one pass, as 64 bits.

    Constant channels may overflow; nothing but their own fields is changed by that, and those are multiplied by 0.
    """
    weights = step.weights[:, 0].astype(np.int64)
    folded = step.bias - (step.input_zero + 128) * weights.sum(axis=(1, 2))
    taps = np.arange(layout.kernel)
    is_low = (taps // layout.residues) % 2 == 1
    first = -LARGEST_CODE * np.minimum(weights[:, is_low], 0).sum(axis=(1, 2))
    middle = folded - centers(step) + _HALF
    with np.errstate(over="ignore"):
        return np.asarray(
            first + (middle << FIELD_BITS) + ((middle - first) << (2 * FIELD_BITS)), dtype=np.int64
        )


def pack_stream(
    step: ConvolutionStep, layout: Layout, passes: Sequence[Pass], factors: NDArray[np.int64], end: int
) -> NDArray[np.int32]:
    """The stream of all channel pairs.

    Args:
        step: what to compute.
        layout: its layout.
        passes: all steps in their order.
        factors: words of all channels (channels, words) that stand behind the last jump.
        end: where the last jump goes.
    """
    pairs = step.target.channels // 2
    pieces = [_words_of_starts(passes[0])]
    at = _AFTER_START
    reached = 0
    for number, one in enumerate(passes):
        if number:
            pieces += [_same(pairs, at.jump_to(_PASS)), _same(pairs, KEPT_BYTES * (number - 1))]
            pieces.append(_words_of_starts(one))
            at = _AFTER_PASS
        for piece in one.pieces:
            if piece.first_byte != reached:
                pieces += [_same(pairs, at.jump_to(_MOVE)), _same(pairs, piece.first_byte - reached)]
                at = _AFTER_MOVE
            words = _tap_words(step, layout, piece)
            group = piece.segment.group
            done = 0
            while done < piece.steps:
                # The first jump takes what does not fill a group.
                count = (piece.steps - done) % group.count or group.count
                pieces.append(_same(pairs, at.jump_to(group.last(count))))
                pieces.append(words[:, done : done + count].reshape(pairs, -1))
                at = group.end
                done += count
            reached = piece.end_byte
    pieces.append(_same(pairs, at.jump_to(Places(end, end))))
    if end == SUMMED_AT:
        pieces.append(_same(pairs, (LARGEST_NUMBER_OF_PASSES - len(passes)) * _SLOT_BYTES))
    pieces.append(factors.reshape(pairs, -1))
    return np.concatenate(pieces, axis=1).astype(np.int32).reshape(-1)


def _words_of_starts(one: Pass) -> NDArray[np.int64]:
    return one.starts.astype("<i8").view("<i4").reshape(-1, 4).astype(np.int64)


def _same(pairs: int, value: int) -> NDArray[np.int64]:
    return np.full((pairs, 1), value, np.int64)


def _tap_words(step: ConvolutionStep, layout: Layout, piece: Piece) -> NDArray[np.int64]:
    """Words (pairs, steps, words of a step) of a piece."""
    segment = piece.segment
    taps = step.weights[:, 0, segment.residue :: layout.residues].astype(np.int64)
    channels = segment.steps * segment.group.rows
    padded = np.zeros((len(taps), 2 * layout.words(segment.residue), channels), np.int64)
    padded[:, : taps.shape[1], : taps.shape[2]] = taps
    words = padded[:, 1::2] + (padded[:, ::2] << FIELD_BITS)
    words = words[:, segment.word : segment.word + segment.group.taps]
    # (pairs, A or B, words, channels) -> (pairs, channels, words, A or B).
    by_channel = words.reshape(len(taps) // 2, 2, segment.group.taps, channels).transpose(0, 3, 2, 1)
    by_step = by_channel.reshape(len(taps) // 2, segment.steps, -1)
    return by_step[:, piece.first : piece.first + piece.steps]
