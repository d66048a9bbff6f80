"""CONV_2D of int16 activations: ppg_conv16.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Structure
from ppg_deploy.compile.kernels.convolution import (
    ColumnsConvolution,
    image_fields,
    pieces,
    step_words,
    window_steps,
)
from ppg_deploy.compile.kernels.packing import pack_stream
from ppg_deploy.compile.requantize import folded_biases
from ppg_deploy.compile.requantize16 import factors16, wide_words
from ppg_deploy.compile.steps import ConvolutionStep, Step
from ppg_deploy.graph import DType


class ColumnsConvolution16(ColumnsConvolution):
    """Any convolution: windows of 4 positions side by side, times 2 channels at a time."""

    activations = DType.INT16
    name = "conv16_columns"
    header = "ppg_conv16.h"
    files = (
        "ppg_conv16.c",
        "ppg_conv16.h",
        "ppg_matrix.c",
        "ppg_matrix.h",
        "ppg_matrix16.c",
        "ppg_matrix16.h",
        "ppg_matrix_simd.h",
        "ppg_requant16.h",
        "ppg_simd16.h",
    )

    def matches(self, step: Step) -> bool:
        """True for every CONV_2D of int16 and for its dense layers over several positions."""
        return isinstance(step, ConvolutionStep)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_conv16."""
        assert isinstance(step, ConvolutionStep)
        narrow, factors = factors16(step)
        biases = step.bias.tolist()
        per_group = step.target.channels // step.groups
        flat = step.weights.reshape(step.target.channels, -1)
        inline = folded_biases(step) if narrow else [0] * len(biases)
        streams = [
            pack_stream(flat[first:last], inline[first:last], factors[first:last], neighbours=True)
            for first, last in ((group * per_group, (group + 1) * per_group) for group in range(step.groups))
        ]
        source, window = step.source, step.window
        steps = window_steps(step)
        parameters = Structure(
            "ppg_conv16_t",
            {
                "stream": Array("stream", np.concatenate(streams)),
                "biases": 0 if narrow else Array("biases", np.array(wide_words(biases), np.int32)),
                "group_words": len(streams[0]),
                "matrix": {
                    "steps": steps,
                    "sixes_words": step_words(steps // 6 * 6),
                    "channels": per_group,
                    "low": step.low,
                    "high": step.high,
                },
                **image_fields(step, in_place),
                "row_values": source.columns * source.channels,
                "stride_values": window.stride[1] * source.channels,
                "run_values": pieces(step)[1],
                "group_values": source.channels // step.groups,
                "left_values": window.before[1] * source.channels,
                "right_values": window.after[1] * source.channels,
            },
        )
        return Code("ppg_conv16", parameters)
