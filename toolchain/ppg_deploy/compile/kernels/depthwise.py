"""DEPTHWISE_CONV_2D: ppg_depthwise.h."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.requantize import factors_of
from ppg_deploy.compile.steps import DepthwiseStep, Step


class Depthwise(Kernel):
    """Any depthwise convolution, 4 channels at a time where the depth multiplier is 1."""

    name = "depthwise"
    header = "ppg_depthwise.h"
    files: tuple[str, ...] = ("ppg_depthwise.c", "ppg_depthwise.h")
    code_bytes = 1150

    def matches(self, step: Step) -> bool:
        """True for every DEPTHWISE_CONV_2D."""
        return isinstance(step, DepthwiseStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input when every output depends on the code at its own place only."""
        assert isinstance(step, DepthwiseStep)
        return step.inputs if is_pointwise(step) else ()

    def predicted_cycles(self, step: Step) -> int:
        """Positions, words of 4 channels or single channels, and taps."""
        assert isinstance(step, DepthwiseStep)
        kernel, channels = step.window.kernel, step.target.channels
        positions = step.target.rows * step.target.columns
        words, rest = divmod(channels, 4) if step.depth_multiplier == 1 else (0, channels)
        rows, taps = kernel[0], kernel[0] * kernel[1]
        per_word = 105 + 12 * rows + 20 * taps
        per_channel = 60 + 8 * rows + 8 * taps
        per_position = 110 + 20 * sum(kernel) + words * per_word + rest * per_channel
        return round(positions * per_position + clamp_cycles(step))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_depthwise."""
        assert isinstance(step, DepthwiseStep)
        del in_place
        proven, factors = factors_of(step)
        channels = np.array(
            [(bias, *factor.words) for bias, factor in zip(step.bias.tolist(), factors, strict=True)],
            np.int32,
        )
        source, target, window = step.source, step.target, step.window
        parameters = Structure(
            "ppg_depthwise_t",
            {
                "weights": Array("weights", _blocks_of_four(step.weights)),
                "channels": Array("channels", channels.reshape(-1)),
                "proven": int(proven),
                "rows": source.rows,
                "columns": source.columns,
                "in_channels": source.channels,
                "multiplier": step.depth_multiplier,
                "out_rows": target.rows,
                "out_columns": target.columns,
                "kernel_rows": window.kernel[0],
                "kernel_columns": window.kernel[1],
                "stride_rows": window.stride[0],
                "stride_columns": window.stride[1],
                "dilation_rows": window.dilation[0],
                "dilation_columns": window.dilation[1],
                "pad_top": window.before[0],
                "pad_left": window.before[1],
                "input_zero": step.input_zero,
                "output_zero": step.output_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_depthwise", parameters)


def is_pointwise(step: DepthwiseStep) -> bool:
    """True when every output is a function of the one code at its own place."""
    window = step.window
    one_code = window.kernel == window.stride == (1, 1) and not window.is_padded
    return one_code and step.depth_multiplier == 1


def _blocks_of_four(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """(channels, rows, columns, 1) -> (channels / 4, rows, columns, 4) flattened, zeros behind the last channel."""
    channels = len(weights)
    padded = np.pad(weights[..., 0], ((0, -channels % 4), (0, 0), (0, 0)))
    return np.ascontiguousarray(padded.reshape(-1, 4, *weights.shape[1:3]).transpose(0, 2, 3, 1)).reshape(-1)
