"""DEPTHWISE_CONV_2D with a kernel of one row: ppg_depthwise_rows.h."""

import functools

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles, copy_cycles
from ppg_deploy.compile.requantize import Factor, folded_biases, proven_factors
from ppg_deploy.compile.requantize_fused import fused_factors
from ppg_deploy.compile.steps import DepthwiseStep, Step

# Cycles of an output, and of starting a channel's line of outputs.
_COSTS = {(3, 1): (11.5, 36), (3, 2): (14.0, 36), (5, 1): (15.25, 62), (5, 2): (15.8, 45)}
_PHASE = 90
_IN_C = {3: 60, 5: 85}
_GROUP = 4
# What one right shift for all channels saves per output.
_SAVED = 2.0
_SCALE = 256


class DepthwiseRows(Kernel):
    """One channel at a time along the columns: stride 1 with any dilation, stride 2 without."""

    header = "ppg_depthwise_rows.h"

    def __init__(self, right: int | None) -> None:
        """`right` is the right shift of all channels, None where each has its own."""
        self._right = right
        self.name = "depthwise_rows" if right is None else f"depthwise_rows_{right}"
        self.code_bytes = 2020 if right is None else 1820
        self.files = (
            f"ppg_{self.name}.c",
            "ppg_depthwise_rows.h",
            "ppg_depthwise_rows_body.h",
            "ppg_depthwise_rows_simd.h",
        )

    def matches(self, step: Step) -> bool:
        """True for 3 or 5 taps when the form of the requantisation is proven for every channel."""
        if not isinstance(step, DepthwiseStep):
            return False
        window = step.window
        along_rows = window.kernel[0] == 1 and window.before[0] == window.after[0] == 0
        way = (window.kernel[1], window.stride[1])
        simple = way in _COSTS and (window.stride[1] == 1 or window.dilation[1] == 1)
        return along_rows and simple and step.depth_multiplier == 1 and _words(step, self._right) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input when no row of the output is longer: then each row is copied before it is overwritten."""
        assert isinstance(step, DepthwiseStep)
        shorter = step.target.columns <= step.source.columns * step.window.stride[0]
        return step.inputs if shorter else ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """A row with its padding, unless rows can be read where they lie."""
        assert isinstance(step, DepthwiseStep)
        return _width(step) * step.source.channels if in_place or _needs_copy(step) else 0

    def predicted_cycles(self, step: Step) -> int:
        """Lines of outputs one behind the other, and copies of the rows."""
        assert isinstance(step, DepthwiseStep)
        taps, stride = step.window.kernel[1], step.window.stride[1]
        per_output, per_line = _COSTS[(taps, stride)]
        if self._right is not None:
            per_output -= _SAVED
        channels, lines = step.source.channels, 0.0
        for phase in range(min(step.window.dilation[1], step.target.columns)):
            count = -(-(step.target.columns - phase) // step.window.dilation[1])
            if count < _GROUP:
                lines += channels * count * _IN_C[taps]
                continue
            # What is left of the last group is a line of its own.
            starts = 1 + (count % _GROUP > 0)
            groups = -(-count // _GROUP)
            lines += starts * (_PHASE + channels * per_line) + channels * groups * _GROUP * per_output
        copied = 40 + copy_cycles(_width(step) * step.source.channels) if _needs_copy(step) else 0
        return round(80 + step.target.rows * (lines + copied) + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and words of ppg_depthwise_rows."""
        assert isinstance(step, DepthwiseStep)
        words = _words(step, self._right)
        assert words is not None
        source, target, window = step.source, step.target, step.window
        copied = in_place or _needs_copy(step)
        parameters = Structure(
            "ppg_depthwise_rows_t",
            {
                "words": Array("words", words.reshape(-1)),
                "taps": window.kernel[1],
                "stride": window.stride[1],
                "dilation": window.dilation[1],
                "rows": target.rows,
                "row_step": window.stride[0] * source.columns * source.channels,
                "columns": source.columns,
                "channels": source.channels,
                "out_columns": target.columns,
                "before": window.before[1] if copied else 0,
                "width": _width(step) if copied else 0,
                "input_zero": step.input_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code(f"ppg_{self.name}" if copied else f"ppg_{self.name}_direct", parameters)


def _width(step: DepthwiseStep) -> int:
    """Columns that the loops read: those of stride 2 read pairs, one more than they need."""
    taps, outputs = step.window.kernel[1], step.target.columns
    if step.window.stride[1] == 1:
        return outputs + (taps - 1) * step.window.dilation[1]
    return 2 * outputs + taps - 1


def _needs_copy(step: DepthwiseStep) -> bool:
    return step.window.before[1] > 0 or step.source.columns < _width(step)


@functools.lru_cache(maxsize=64)
def _words(step: DepthwiseStep, right: int | None) -> NDArray[np.int32] | None:
    """int32 (channels, words) of ppg_depthwise_rows.h, or None without the proven form."""
    if right is None:
        factors, scale = proven_factors(step), 2
    else:
        factors, scale = _fused(step, right), _SCALE
    if factors is None:
        return None
    scaled = scale * step.weights.reshape(len(step.weights), -1).astype(np.int64)
    taps = scaled.shape[1]
    biases = scale * np.array(folded_biases(step), np.int64)
    multiplier, first, shift = np.array([factor.words for factor in factors], np.int64).T
    pairs = (scaled[:, :-1] & 0xFFFF) | (scaled[:, 1:] << 16)
    order = [*range(0, taps - 1, 2), *range(1, taps - 1, 2)]
    columns = [biases, multiplier, first, shift | (scaled[:, -1] << 16), *pairs[:, order].T]
    wrapped = (np.stack(columns, axis=1) + (1 << 31)) % (1 << 32) - (1 << 31)
    return wrapped.astype(np.int32)


def _fused(step: DepthwiseStep, right: int) -> tuple[Factor, ...] | None:
    factors = fused_factors(step, _SCALE, right)
    if factors is None:
        return None
    return tuple(Factor(factor.multiplier, factor.first, factor.right) for factor in factors)
