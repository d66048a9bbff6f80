"""int16 activations for int8 weights (int16x8): symmetric, zero point 0."""

import numpy as np

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Graph, Quantization
from ppg_deploy.graph.int16_ops import KERNELS
from ppg_deploy.quantization.ranges import rounded_up

_HIGHEST_CODE = 32767


def symmetric_quantization_of_range(low: float, high: float) -> Quantization:
    """int16 parameters with zero point 0 whose range contains [low, high].

    Source: TensorFlow Lite 16x8 quantisation, "activations are symmetric int16".
    """
    # Rounded up for the same reason as in quantization_of_range.
    largest = rounded_up(max(-low, high, 0.0))
    scale = float(np.float32(largest / _HIGHEST_CODE)) if largest else 1.0
    return Quantization((scale,), (0,))


def check_int16_operators(graph: Graph) -> None:
    """Refuse operators without an int16 form.

    Raises:
        UnsupportedModelError: naming the first one.
    """
    for number, operator in enumerate(graph.operators):
        if type(operator) not in KERNELS:
            raise UnsupportedModelError(
                f"operator {number} ({operator.kind}, {operator.output}) cannot have int16 activations",
                hint="quantise to int8: leave --int16x8 out",
            )
