"""FULLY_CONNECTED at one position: ppg_dense.h."""

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.packing import pack_stream
from ppg_deploy.compile.requantize import factors_of, folded_biases
from ppg_deploy.compile.steps import DenseStep, Step


class Dense(Kernel):
    """A dense layer, 2 outputs at a time."""

    name = "dense"
    header = "ppg_dense.h"
    # ppg_matrix.h describes the stream; the dense kernel needs nothing else of it.
    files = ("ppg_dense.c", "ppg_dense.h")

    def matches(self, step: Step) -> bool:
        """True for every FULLY_CONNECTED at one position."""
        return isinstance(step, DenseStep)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_dense."""
        assert isinstance(step, DenseStep) and not in_place
        proven, factors = factors_of(step)
        flat = step.weights.reshape(len(step.weights), -1)
        parameters = Structure(
            "ppg_dense_t",
            {
                "stream": Array("stream", pack_stream(flat, folded_biases(step), factors)),
                "inputs": flat.shape[1],
                "outputs": flat.shape[0],
                "proven": int(proven),
                "output_zero": step.output_zero,
                "low": step.low,
                "high": step.high,
            },
        )
        features = frozenset({"PPG_USES_DENSE_TAILS"} if flat.shape[1] % 4 else ())
        return Code("ppg_dense", parameters, features=features)

    def predicted_cycles(self, step: Step) -> int:
        """By pairs of outputs and four inputs."""
        assert isinstance(step, DenseStep)
        outputs, inputs = len(step.weights), int(step.weights[0].size)
        pairs = -(-outputs // 2)
        tail = 45 if inputs % 4 else 0
        return pairs * (22 * (inputs // 4) + tail + 55) + 40
