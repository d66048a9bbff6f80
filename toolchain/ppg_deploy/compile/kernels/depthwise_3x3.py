"""DEPTHWISE_CONV_2D with a kernel of 3 x 3: ppg_depthwise_3x3.h."""

import functools

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.requantize import folded_biases, proven_factors
from ppg_deploy.compile.steps import DepthwiseStep, Step

_SLOTS = 4
_BYTES_PER_PAIR = 4
_GROUP = 4
# Cycles of four outputs, by the stride.
_COSTS = {1: 95, 2: 108}
_CHANNEL = 62


class Depthwise3x3(Kernel):
    """One channel at a time along the columns, over three widened rows."""

    name = "depthwise_3x3"
    header = "ppg_depthwise_3x3.h"
    files = ("ppg_depthwise_3x3.c", "ppg_depthwise_3x3.h")
    code_bytes = 1640

    def matches(self, step: Step) -> bool:
        """True for strides of 1 and 2 when the short form of the requantisation is proven for every channel."""
        if not isinstance(step, DepthwiseStep):
            return False
        window = step.window
        simple = window.kernel == (3, 3) and window.dilation == (1, 1) and window.stride in ((1, 1), (2, 2))
        return simple and step.depth_multiplier == 1 and _words(step) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input when every row is widened before an output lies there."""
        assert isinstance(step, DepthwiseStep)
        source, target, window = step.source, step.target, step.window
        for row in range(target.rows):
            widened = min(source.rows, row * window.stride[0] - window.before[0] + 3)
            written = (row + 1) * target.columns
            if widened < source.rows and written > max(widened, 0) * source.columns:
                return ()
        return step.inputs

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Three widened rows, one of padding, and a column of padding as it was."""
        assert isinstance(step, DepthwiseStep)
        del in_place
        return (_SLOTS * _BYTES_PER_PAIR * _pairs(step) + 1) * step.source.channels

    def predicted_cycles(self, step: Step) -> int:
        """Rows to widen, then groups of four outputs of each channel."""
        assert isinstance(step, DepthwiseStep)
        source, target = step.source, step.target
        words, rest = divmod(source.channels, 4)
        widened = _pairs(step) * (40 + 24 * words + 14 * rest)
        groups = -(-target.columns // _GROUP)
        row = 60 + source.channels * (_CHANNEL + groups * _COSTS[step.window.stride[0]])
        rows = min(source.rows, target.rows * step.window.stride[0] + 2)
        padding = 4 * _pairs(step) * source.channels
        return round(120 + padding + rows * widened + target.rows * row + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and words of ppg_depthwise_3x3."""
        assert isinstance(step, DepthwiseStep)
        del in_place
        words = _words(step)
        assert words is not None
        parameters = Structure(
            "ppg_depthwise_3x3_t",
            {
                "words": Array("words", words.reshape(-1)),
                "rows": step.source.rows,
                "columns": step.source.columns,
                "channels": step.source.channels,
                "out_rows": step.target.rows,
                "out_columns": step.target.columns,
                "stride": step.window.stride[0],
                "pad_top": step.window.before[0],
                "pad_left": step.window.before[1],
                "pairs": _pairs(step),
                "input_zero": step.input_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_depthwise_3x3", parameters)


def _pairs(step: DepthwiseStep) -> int:
    """Pairs of columns under all groups of four outputs."""
    groups = -(-step.target.columns // _GROUP)
    return 2 * groups * step.window.stride[1] + 1


@functools.lru_cache(maxsize=32)
def _words(step: DepthwiseStep) -> NDArray[np.int32] | None:
    """int32 (channels, words) of ppg_depthwise_3x3.h, or None without the proven form."""
    factors = proven_factors(step)
    if factors is None:
        return None
    twice = 2 * step.weights[..., 0].astype(np.int64)
    biases = 2 * np.array(folded_biases(step), np.int64)
    pairs = (twice[..., :-1] & 0xFFFF) | (twice[..., 1:] << 16)
    head = np.array([(bias, *factor.words) for bias, factor in zip(biases, factors, strict=True)], np.int64)
    words = np.concatenate([head, pairs.reshape(len(pairs), -1)], axis=1)
    return ((words + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)
