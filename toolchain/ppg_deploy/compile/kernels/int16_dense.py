"""FULLY_CONNECTED of int16 activations at one position: ppg_dense16.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.packing import pack_stream
from ppg_deploy.compile.requantize import folded_biases
from ppg_deploy.compile.requantize16 import factors16, wide_words
from ppg_deploy.compile.steps import DenseStep, Step
from ppg_deploy.graph import DType


class Dense16(Kernel):
    """A dense layer, 2 outputs at a time."""

    activations = DType.INT16
    name = "dense16"
    header = "ppg_dense16.h"
    files = ("ppg_dense16.c", "ppg_dense16.h", "ppg_requant16.h", "ppg_simd16.h")

    def matches(self, step: Step) -> bool:
        """True for every FULLY_CONNECTED of int16 at one position."""
        return isinstance(step, DenseStep)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_dense16."""
        assert isinstance(step, DenseStep) and not in_place
        narrow, factors = factors16(step)
        flat = step.weights.reshape(len(step.weights), -1)
        biases = step.bias.tolist()
        inline = folded_biases(step) if narrow else [0] * len(biases)
        whole_pairs = biases + [0] * (len(biases) % 2)
        parameters = Structure(
            "ppg_dense16_t",
            {
                "stream": Array("stream", pack_stream(flat, inline, factors, neighbours=True)),
                "biases": 0 if narrow else Array("biases", np.array(wide_words(whole_pairs), np.int32)),
                "inputs": flat.shape[1],
                "outputs": flat.shape[0],
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_dense16", parameters)
