"""FULLY_CONNECTED at one position, six outputs at a time: ppg_dense_wide.h."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.quads import factor_words, pack_quads, quad_factors
from ppg_deploy.compile.once_per_weights import once_per_weights
from ppg_deploy.compile.requantize import folded_biases
from ppg_deploy.compile.steps import DenseStep, Step, WeightedStep

_TOGETHER = 6


class WideDense(Kernel):
    """A dense layer whose sums fit 24 bits and whose inputs come in fours."""

    name = "dense_wide"
    header = "ppg_dense_wide.h"
    files = ("ppg_dense_wide.c", "ppg_dense_wide.h")
    code_bytes = 1600

    def __init__(self) -> None:
        self._factors = once_per_weights(lambda step: quad_factors(step, None))
        self._stream = once_per_weights(self._packed)

    def matches(self, step: Step) -> bool:
        """True when all outputs have exact factors and no word of inputs is incomplete."""
        return (
            isinstance(step, DenseStep) and step.weights[0].size % 4 == 0 and self._factors(step) is not None
        )

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_dense_wide."""
        assert isinstance(step, DenseStep) and not in_place
        parameters = {
            "stream": Array("stream", self._stream(step)),
            "inputs": step.weights[0].size,
            "outputs": len(step.weights),
            "low": step.low,
            "high": step.high,
        }
        return Code("ppg_dense_wide", Structure("ppg_dense_wide_t", parameters))

    def predicted_cycles(self, step: Step) -> int:
        """By sixes of outputs and four inputs."""
        assert isinstance(step, DenseStep)
        outputs, fours = len(step.weights), int(step.weights[0].size) // 4
        sixes, rest = divmod(outputs, _TOGETHER)
        sixes += rest > 2
        pair = 19 * fours + 60 if 1 <= rest <= 2 else 0
        return sixes * (29 * fours + 4 * -(-fours // 8) + 105) + pair + 60

    def _packed(self, step: WeightedStep) -> NDArray[np.int32]:
        factors = self._factors(step)
        assert factors is not None
        weights = step.weights.reshape(len(step.weights), -1)
        biases = np.array(folded_biases(step), np.int64)
        words = np.array(factor_words(factors, None), np.int32)
        rest = len(weights) % _TOGETHER
        split = len(weights) - rest if 1 <= rest <= 2 else len(weights)
        parts = [
            pack_quads(weights[part], biases[part], words[part], together=together, end_value=0)
            for part, together in ((slice(split), _TOGETHER), (slice(split, None), 2))
            if len(weights[part])
        ]
        return np.concatenate(parts)
