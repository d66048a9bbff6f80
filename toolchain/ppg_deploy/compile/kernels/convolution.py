"""CONV_2D by columns: ppg_conv.h."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure, Value
from ppg_deploy.compile.kernels.packing import pack_stream, step_count
from ppg_deploy.compile.requantize import factors_of, folded_biases
from ppg_deploy.compile.steps import ConvolutionStep, Step

_STEP_WORDS = 8
_POSITIONS = 4
# Measured on the Cortex-M4 model, see docs/kernels.md.
_STEP_CYCLES, _LOOP_STEPS, _LOOP_CYCLES, _PAIR_CYCLES = 34, 6, 9, 85
_GENERAL_CYCLES = 200
_RUN_CYCLES, _OFFSETS_CYCLES, _BLOCK_CYCLES = 30, 60, 190


class ColumnsConvolution(Kernel):
    """Any convolution: windows of 4 positions side by side, times 2 channels at a time."""

    name = "conv_columns"
    header = "ppg_conv.h"
    code_bytes = 1900
    files: tuple[str, ...] = (
        "ppg_conv.c",
        "ppg_conv.h",
        "ppg_conv_rows.h",
        "ppg_matrix.c",
        "ppg_matrix.h",
        "ppg_matrix_simd.h",
    )

    def matches(self, step: Step) -> bool:
        """True for every CONV_2D and for dense layers over several positions."""
        return isinstance(step, ConvolutionStep)

    def predicted_cycles(self, step: Step) -> int:
        """By blocks of 4 positions and 2 channels."""
        assert isinstance(step, ConvolutionStep)
        steps, per_group = window_steps(step), step.target.channels // step.groups
        pair = (
            _STEP_CYCLES * steps + _LOOP_CYCLES * (steps // _LOOP_STEPS + steps % _LOOP_STEPS) + _PAIR_CYCLES
        )
        if not factors_of(step)[0]:
            pair += _GENERAL_CYCLES
        columns = (_OFFSETS_CYCLES if pieces(step)[1] % 4 else _RUN_CYCLES) * steps
        block = step.groups * (-(-per_group // 2) * pair + columns) + _BLOCK_CYCLES
        blocks = -(-step.target.columns // _POSITIONS)
        return step.target.rows * (blocks * block + copied_row_values(step, False))

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input, when each output row needs one input row only and is no longer than it."""
        assert isinstance(step, ConvolutionStep)
        window = step.window
        single_rows = window.kernel[0] == 1 and window.stride[0] == 1 and step.target.rows == step.source.rows
        shorter = step.target.columns * step.target.channels <= step.source.columns * step.source.channels
        return step.inputs if single_rows and shorter and window.before[0] == 0 else ()

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """Columns, then copied rows."""
        assert isinstance(step, ConvolutionStep)
        return 4 * step_words(window_steps(step)) + copied_row_values(step, in_place) * step.codes.itemsize

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_conv."""
        assert isinstance(step, ConvolutionStep)
        proven, factors = factors_of(step)
        biases = folded_biases(step)
        per_group = step.target.channels // step.groups
        flat = step.weights.reshape(step.target.channels, -1)
        streams = [
            pack_stream(flat[first:last], biases[first:last], factors[first:last])
            for first, last in ((group * per_group, (group + 1) * per_group) for group in range(step.groups))
        ]
        stream = np.concatenate(streams)
        parameters = convolution_parameters(step, in_place, stream, len(streams[0]), proven=proven)
        return Code("ppg_conv", Structure("ppg_conv_t", parameters), features=_features(step))


def _features(step: ConvolutionStep) -> frozenset[str]:
    features = {"PPG_USES_CONV_OFFSETS" if pieces(step)[1] % 4 else "PPG_USES_CONV_RUNS"}
    if step.target.columns < _POSITIONS or step.target.channels // step.groups % 2:
        features.add("PPG_USES_PARTIAL_BLOCKS")
    return frozenset(features)


def convolution_parameters(
    step: ConvolutionStep,
    in_place: bool,
    stream: NDArray[np.int32],
    group_words: int,
    *,
    proven: bool = False,
) -> dict[str, Value]:
    """The fields of ppg_conv_t."""
    source, target, window = step.source, step.target, step.window
    return {
        "stream": Array("stream", stream),
        "group_words": group_words,
        "matrix": {
            "steps": window_steps(step),
            "sixes_words": step_words(window_steps(step) // 6 * 6),
            "channels": target.channels // step.groups,
            "proven": int(proven),
            "output_zero": step.output_zero,
        },
        **image_fields(step, in_place),
        "row_bytes": source.columns * source.channels,
        "stride_bytes": window.stride[1] * source.channels,
        "run_bytes": pieces(step)[1],
        "group_bytes": source.channels // step.groups,
        "left_bytes": window.before[1] * source.channels,
        "right_bytes": window.after[1] * source.channels,
        "input_zero": step.input_zero,
        "low": step.low,
        "high": step.high,
    }


def image_fields(step: ConvolutionStep, in_place: bool) -> dict[str, Value]:
    """The fields that ppg_conv_t and ppg_conv16_t share: images, windows and how they are read."""
    source, target, window = step.source, step.target, step.window
    runs, run_values = pieces(step)
    return {
        "groups": step.groups,
        "rows": source.rows,
        "out_rows": target.rows,
        "out_columns": target.columns,
        "out_channels": target.channels,
        "kernel_rows": window.kernel[0],
        "kernel_row_step": window.dilation[0],
        "stride_rows": window.stride[0],
        "pad_top": window.before[0],
        "offsets": window_offsets(step, in_place) if run_values % 4 else 0,
        "runs": runs,
        "run_step": window.dilation[1] * source.channels,
        "copies_rows": int(copies_rows(step, in_place)),
    }


def window_steps(step: ConvolutionStep) -> int:
    """Steps of 4 values that cover a window."""
    return step_count(step.weights[0].size)


def pieces(step: ConvolutionStep) -> tuple[int, int]:
    """(pieces, values per piece) of one window row: a single piece when its values lie side by side."""
    columns = step.window.kernel[1]
    depth = step.source.channels // step.groups
    if step.groups == 1 and step.window.dilation[1] == 1:
        return 1, columns * depth
    return columns, depth


def step_words(steps: int) -> int:
    """Words of columns that some steps take."""
    return _STEP_WORDS * steps


def copies_rows(step: ConvolutionStep, in_place: bool) -> bool:
    """True when the input rows under a window are first copied between margins."""
    return in_place or step.window.is_padded


def copied_row_values(step: ConvolutionStep, in_place: bool) -> int:
    """Values of the input rows that are copied for an output row."""
    return step.window.kernel[0] * _margined_row_values(step) if copies_rows(step, in_place) else 0


def _margined_row_values(step: ConvolutionStep) -> int:
    columns = step.window.before[1] + step.source.columns + step.window.after[1]
    return columns * step.source.channels


def window_offsets(step: ConvolutionStep, in_place: bool) -> Array:
    """Distance of each window value from the first one; 0, a value that is always there, behind the last."""
    window, source = step.window, step.source
    if copies_rows(step, in_place):
        row_step = _margined_row_values(step)
    else:
        row_step = window.dilation[0] * source.columns * source.channels
    rows = np.arange(window.kernel[0]) * row_step
    columns = np.arange(window.kernel[1]) * window.dilation[1] * source.channels
    channels = np.arange(source.channels // step.groups)
    offsets = (rows[:, None, None] + columns[:, None] + channels).reshape(-1)
    padding = 4 * window_steps(step) - len(offsets)
    return Array("offsets", np.pad(offsets, (0, padding)).astype(np.int32))
