"""CONV_2D of 1 x 3 kernels by exact integer Winograd F(4,3): ppg_winograd.h."""

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.steps import ConvolutionStep, Step
from ppg_deploy.compile.winograd_factors import FAST_RIGHT
from ppg_deploy.compile.winograd_stream import (
    BLOCK,
    FEWEST_PAIRS,
    UNROLLED_PAIRS,
    is_signed,
    pack_winograd,
    pair_count,
    proven_blocks,
)

_OUTPUTS = 4
_POSITIONS = 6
_STATE_AND_SUMS_BYTES = 64 + 192
_PAIR_BYTES = 48
# Scratch grows with the input channels, 24 bytes each; the runtime itself has no limit.
_MOST_CHANNELS = 128


class WinogradConvolution(Kernel):
    """4 outputs for 6 products: 1 x 3 kernels, stride 1, any column dilation."""

    name = "conv_winograd"
    header = "ppg_winograd.h"
    files: tuple[str, ...] = ("ppg_winograd.c", "ppg_winograd.h", "ppg_winograd_simd.h")
    code_bytes = 9300

    def matches(self, step: Step) -> bool:
        """True for the shapes above when every channel's requantisation is proven."""
        if not isinstance(step, ConvolutionStep):
            return False
        window = step.window
        return (
            window.kernel == (1, 3)
            and window.stride == (1, 1)
            and window.before[0] == window.after[0] == 0
            and step.groups == 1
            and step.target.channels >= BLOCK
            and step.source.channels <= _MOST_CHANNELS
            and proven_blocks(step) is not None
        )

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input, when an output row is no longer than an input row."""
        assert isinstance(step, ConvolutionStep)
        target, source = step.target, step.source
        shorter = target.columns * target.channels <= source.columns * source.channels
        return step.inputs if shorter else ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Targets and sums, transformed inputs of two tiles, copied row."""
        assert isinstance(step, ConvolutionStep)
        row = _row_bytes(step, in_place)
        return _STATE_AND_SUMS_BYTES + _PAIR_BYTES * pair_count(step.source.channels) + -(-row // 4) * 4

    def predicted_cycles(self, step: Step) -> int:
        """Products at 2 cycles for 8, transforms, requantisation."""
        assert isinstance(step, ConvolutionStep)
        blocks = -(-step.target.channels // BLOCK)
        pairs, groups = pair_count(step.source.channels), -(-step.source.channels // 4)
        more = 0 if pairs == FEWEST_PAIRS else 6 * 7 + 6 * 12 * max(0, pairs - UNROLLED_PAIRS) // 8
        products = (6 * 16 * pairs + more) * blocks
        two_tiles = 170 + 2 * 80 * groups + products + _finishing_cycles(step)
        rows = min(_copy_cycles(step), _gather_cycles(step))
        return step.target.rows * (-(-sum(_phases(step)) // 2) * two_tiles + rows + 100)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_winograd."""
        assert isinstance(step, ConvolutionStep)
        stream = pack_winograd(step)
        source, target, window = step.source, step.target, step.window
        overlap = -target.channels % BLOCK
        parameters = Structure(
            "ppg_winograd_t",
            {
                "stream": Array("stream", stream.reshape(-1)),
                "block_words": stream.shape[1],
                "first_blocks": 1 if overlap else stream.shape[0],
                "later_blocks": stream.shape[0] - 1 if overlap else 0,
                "overlap": overlap,
                "pairs": pair_count(source.channels),
                "groups": -(-source.channels // 4),
                "signed_form": int(is_signed(step)),
                "rows": target.rows,
                "in_columns": source.columns,
                "in_channels": source.channels,
                "columns": target.columns,
                "channels": target.channels,
                "dilation": window.dilation[1],
                "outputs": max(1, target.columns // window.dilation[1]),
                "copies_rows": int(_copies_rows(step, in_place)),
                "left_columns": window.before[1],
                "right_columns": window.after[1],
                "input_zero": step.input_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        features = {"PPG_USES_WINOGRAD_WIDE"} if pair_count(source.channels) > FEWEST_PAIRS else set()
        if pair_count(source.channels) > UNROLLED_PAIRS:
            features.add("PPG_USES_WINOGRAD_LONG")
        if is_signed(step):
            features.add("PPG_USES_WINOGRAD_SIGNED")
        return Code("ppg_winograd", parameters, features=frozenset(features))


def _finishing_cycles(step: ConvolutionStep) -> int:
    """Inverse transform and requantisation of all channels of two tiles."""
    proven = proven_blocks(step)
    assert proven is not None
    if is_signed(step):
        return 500 * len(proven)
    slow = sum(any(factor.right != FAST_RIGHT for factor in factors) for factors in proven)
    return 328 * len(proven) + 36 * slow


def _phases(step: ConvolutionStep) -> list[int]:
    """Tiles of each phase that has outputs."""
    dilation, columns = step.window.dilation[1], step.target.columns
    lengths = [-(-(columns - phase) // dilation) for phase in range(min(dilation, columns))]
    return [-(-length // _OUTPUTS) for length in lengths]


def _tile_columns(step: ConvolutionStep) -> list[int]:
    """The column of the input (below 0 in the padding) at which each tile starts."""
    dilation = step.window.dilation[1]
    return [
        phase + _OUTPUTS * dilation * tile - step.window.before[1]
        for phase, tiles in enumerate(_phases(step))
        for tile in range(tiles)
    ]


def _edge_tiles(step: ConvolutionStep) -> int:
    """Tiles that read beyond the input row, in the padding or behind the last output's window."""
    reach = (_POSITIONS - 1) * step.window.dilation[1]
    return sum(column < 0 or column + reach >= step.source.columns for column in _tile_columns(step))


def _copies_rows(step: ConvolutionStep, in_place: bool) -> bool:
    """True when whole rows are copied: where they must be, and where it is faster than gathering the outer tiles."""
    return in_place or step.source.channels % 4 != 0 or _copy_cycles(step) < _gather_cycles(step)


def _copy_cycles(step: ConvolutionStep) -> int:
    return 100 + _margined_bytes(step)


def _gather_cycles(step: ConvolutionStep) -> int:
    return _edge_tiles(step) * (40 + _POSITIONS * (40 + step.source.channels))


def _row_bytes(step: ConvolutionStep, in_place: bool) -> int:
    """Bytes of copied rows or of two gathered tiles."""
    channels = step.source.channels
    if not _copies_rows(step, in_place):
        return 2 * _POSITIONS * channels if _edge_tiles(step) else 0
    # The last tiles read beyond the last output's window, and four channels at a time.
    last_column = (
        max(_tile_columns(step)) + step.window.before[1] + (_POSITIONS - 1) * step.window.dilation[1]
    )
    return max(last_column * channels + -(-channels // 4) * 4, _margined_bytes(step))


def _margined_bytes(step: ConvolutionStep) -> int:
    before, after = step.window.before[1], step.window.after[1]
    return (before + step.source.columns + after) * step.source.channels
