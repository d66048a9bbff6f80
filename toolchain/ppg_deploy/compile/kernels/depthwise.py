"""DEPTHWISE_CONV_2D: ppg_depthwise.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.requantize import general_factor
from ppg_deploy.compile.steps import DepthwiseStep, Step


class Depthwise(Kernel):
    """Any depthwise convolution, one product at a time."""

    name = "depthwise"
    header = "ppg_depthwise.h"
    files = ("ppg_depthwise.c", "ppg_depthwise.h")

    def matches(self, step: Step) -> bool:
        """True for every DEPTHWISE_CONV_2D."""
        return isinstance(step, DepthwiseStep)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_depthwise."""
        assert isinstance(step, DepthwiseStep) and not in_place
        channels = np.array(
            [
                (bias, *general_factor(*multiplier).words)
                for bias, multiplier in zip(step.bias.tolist(), step.multipliers, strict=True)
            ],
            np.int32,
        )
        source, target, window = step.source, step.target, step.window
        parameters = Structure(
            "ppg_depthwise_t",
            {
                "weights": Array("weights", step.weights.reshape(-1)),
                "channels": Array("channels", channels.reshape(-1)),
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
