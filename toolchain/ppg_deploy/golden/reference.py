"""Chooses the golden reference and says which one it is."""

import importlib.util
from typing import Protocol

from ppg_deploy.graph import Graph
from ppg_deploy.graph.quantized_reference import Codes, run_quantized_output


class GoldenReference(Protocol):
    """Something that answers with the bytes that TFLM would give."""

    @property
    def description(self) -> str:
        """Name and version for reports."""

    def run(self, windows: Codes) -> Codes:
        """Outputs (N, output elements) for windows (N, *input shape without batch), in the model's own types."""


class NumpyReference:
    """The project's own numpy version of TFLM's arithmetic, for machines without a tflite-micro wheel."""

    description = "ppg-deploy numpy reference of TFLM's arithmetic"

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def run(self, windows: Codes) -> Codes:
        """Outputs (N, output elements) for windows (N, *input shape without batch), in the model's own types."""
        return run_quantized_output(self._graph, windows)


def open_golden(graph: Graph, model: bytes) -> GoldenReference:
    """TFLM's interpreter when the package tflite-micro is installed, else the numpy reference.

    Args:
        graph: the int8 or int16 graph.
        model: the same model as a .tflite file's contents.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return NumpyReference(graph)
    from ppg_deploy.golden.tflm import TflmInterpreter

    return TflmInterpreter(model)
