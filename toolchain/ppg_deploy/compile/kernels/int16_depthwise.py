"""DEPTHWISE_CONV_2D of int16 activations: ppg_depthwise16.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Structure
from ppg_deploy.compile.kernels.depthwise import Depthwise
from ppg_deploy.compile.requantize16 import factors16, wide_words
from ppg_deploy.compile.steps import DepthwiseStep, Step
from ppg_deploy.graph import DType


class Depthwise16(Depthwise):
    """Any depthwise convolution, one channel at a time."""

    activations = DType.INT16
    name = "depthwise16"
    header = "ppg_depthwise16.h"
    files = ("ppg_depthwise16.c", "ppg_depthwise16.h", "ppg_requant16.h", "ppg_simd16.h")

    def matches(self, step: Step) -> bool:
        """True for every DEPTHWISE_CONV_2D of int16."""
        return isinstance(step, DepthwiseStep)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_depthwise16."""
        assert isinstance(step, DepthwiseStep)
        del in_place
        narrow, factors = factors16(step)
        channels = [
            word
            for bias, factor in zip(step.bias.tolist(), factors, strict=True)
            for word in (*wide_words([bias]), *factor.words)
        ]
        source, target, window = step.source, step.target, step.window
        parameters = Structure(
            "ppg_depthwise16_t",
            {
                "weights": Array("weights", np.ascontiguousarray(step.weights).reshape(-1)),
                "channels": Array("channels", np.array(channels, np.int32)),
                "narrow": int(narrow),
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
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_depthwise16", parameters)
