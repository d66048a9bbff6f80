"""Chooses the golden reference and says which one it is."""

import importlib.util
from typing import Protocol

from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Gelu, Operator
from ppg_deploy.graph.quantized_reference import Codes, run_quantized_output

# Operators for which TFLM has no kernel; their int8 meaning is defined in graph/int8_ops/.
NOT_IN_TFLM: tuple[type[Operator], ...] = (Gelu,)


class GoldenReference(Protocol):
    """Something that answers with the bytes that TFLM would give."""

    @property
    def description(self) -> str:
        """Name and version for reports."""

    def run(self, windows: Codes) -> Codes:
        """Outputs (N, output elements) for windows (N, *input shape without batch), in the model's own types."""


class NumpyReference:
    """The project's own numpy version of TFLM's arithmetic.

    For machines without a tflite-micro wheel, and for models with operators that TFLM does not have.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @property
    def description(self) -> str:
        """Name for reports; tells which operators rest on this project's definition alone."""
        own = sorted({operator.kind for operator in self._graph.operators if type(operator) in NOT_IN_TFLM})
        lacking = f" (TFLM has no {', '.join(own)})" if own else ""
        return f"ppg-deploy numpy reference of TFLM's arithmetic{lacking}"

    def run(self, windows: Codes) -> Codes:
        """Outputs (N, output elements) for windows (N, *input shape without batch), in the model's own types."""
        return run_quantized_output(self._graph, windows)


def open_golden(graph: Graph, model: bytes) -> GoldenReference:
    """TFLM's interpreter when tflite-micro is installed and has all operators, else the numpy reference.

    Args:
        graph: the int8 or int16 graph.
        model: the same model as a .tflite file's contents.
    """
    lacking = any(isinstance(operator, NOT_IN_TFLM) for operator in graph.operators)
    if lacking or importlib.util.find_spec("tflite_micro") is None:
        return NumpyReference(graph)
    from ppg_deploy.golden.tflm import TflmInterpreter

    return TflmInterpreter(model)
