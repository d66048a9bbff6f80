"""CONV_2D of 1 x 3 kernels by exact integer Winograd F(4,3): ppg_winograd.h."""

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.steps import ConvolutionStep, Step
from ppg_deploy.compile.winograd_stream import (
    BLOCK,
    MOST_PAIRS,
    has_signed_form,
    pack_winograd,
    pair_count,
    proven_stream_factors,
)

_OUTPUTS = 4
_POSITIONS = 6
_STATE_AND_SUMS_BYTES = 64 + 192
_PAIR_BYTES = 48


class WinogradConvolution(Kernel):
    """4 outputs for 6 products: 1 x 3 kernels, stride 1, any column dilation, up to 32 input channels."""

    name = "conv_winograd"
    header = "ppg_winograd.h"
    files: tuple[str, ...] = ("ppg_winograd.c", "ppg_winograd.h", "ppg_winograd_simd.h")
    code_bytes = 7800

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
            and pair_count(step.source.channels) <= MOST_PAIRS
            and proven_stream_factors(step) is not None
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
        row = _read_bytes(step) if _copies_rows(step, in_place) else 0
        return _STATE_AND_SUMS_BYTES + _PAIR_BYTES * pair_count(step.source.channels) + -(-row // 4) * 4

    def predicted_cycles(self, step: Step) -> int:
        """Products at 2 cycles, transforms, requantisation."""
        assert isinstance(step, ConvolutionStep)
        blocks = -(-step.target.channels // BLOCK)
        pairs, groups = pair_count(step.source.channels), -(-step.source.channels // 4)
        more = {8: 0, 12: 42, 16: 42}[pairs]
        block = 6 * 16 * pairs + more + (460 if has_signed_form(step) else 335)
        tiles_at_a_time = 2 * (45 + 80 * groups) + 60 + block * blocks
        copied = step.source.columns * step.source.channels if step.window.is_padded else 0
        return step.target.rows * (-(-_tiles(step) // 2) * tiles_at_a_time + copied + 100)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_winograd."""
        assert isinstance(step, ConvolutionStep)
        stream = pack_winograd(step)
        source, target, window = step.source, step.target, step.window
        parameters = Structure(
            "ppg_winograd_t",
            {
                "stream": Array("stream", stream.reshape(-1)),
                "block_words": stream.shape[1],
                "blocks": stream.shape[0],
                "overlap": -target.channels % BLOCK,
                "pairs": pair_count(source.channels),
                "groups": -(-source.channels // 4),
                "signed_form": int(has_signed_form(step)),
                "rows": target.rows,
                "row_bytes": source.columns * source.channels,
                "channels": target.channels,
                "columns": target.columns,
                "dilation": window.dilation[1],
                "in_channels": source.channels,
                "copies_rows": int(_copies_rows(step, in_place)),
                "left_bytes": window.before[1] * source.channels,
                "right_bytes": window.after[1] * source.channels,
                "input_zero": step.input_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_winograd", parameters)


def _phase_tiles(step: ConvolutionStep) -> list[int]:
    """Tiles of each phase that has outputs."""
    dilation, columns = step.window.dilation[1], step.target.columns
    lengths = [-(-(columns - phase) // dilation) for phase in range(min(dilation, columns))]
    return [-(-length // _OUTPUTS) for length in lengths]


def _tiles(step: ConvolutionStep) -> int:
    return sum(_phase_tiles(step))


def _read_bytes(step: ConvolutionStep) -> int:
    """Bytes of a row with its margins, as far as tiles read: the last ones reach beyond the last output's window."""
    dilation, channels = step.window.dilation[1], step.source.channels
    last_columns = [
        phase + (_OUTPUTS * (tiles - 1) + _POSITIONS - 1) * dilation
        for phase, tiles in enumerate(_phase_tiles(step))
    ]
    return max((max(last_columns) * channels) + -(-channels // 4) * 4, _margined_bytes(step))


def _margined_bytes(step: ConvolutionStep) -> int:
    before, after = step.window.before[1], step.window.after[1]
    return (before + step.source.columns + after) * step.source.channels


def _copies_rows(step: ConvolutionStep, in_place: bool) -> bool:
    """True unless tiles may read the input where it lies."""
    return in_place or step.window.is_padded or _read_bytes(step) > step.source.columns * step.source.channels
