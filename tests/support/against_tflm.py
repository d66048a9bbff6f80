"""Compiled models against TFLM's interpreter, byte by byte."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile import CompiledModel
from ppg_deploy.graph import Graph
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_cortex_m4 import CompiledForM4, cortex_m4
from tests.support.compile_host import host_runner
from tests.support.compile_networks import windows_for

Windows = NDArray[np.int8] | NDArray[np.int16]


def tflm_outputs(graph: Graph, windows: Windows) -> NDArray[np.int8]:
    """What TFLM's interpreter answers: bytes (windows, output bytes)."""
    from ppg_deploy.golden.tflm import TflmInterpreter

    answers = TflmInterpreter(write_tflite(graph)).run(windows)
    return np.ascontiguousarray(answers.reshape(len(windows), -1)).view(np.int8)


def compare_on_host(
    cases: Sequence[tuple[Graph, Windows]], **options: Any
) -> list[tuple[CompiledModel, NDArray[np.int8]]]:
    """Models and outputs of all (graph, windows), found equal to TFLM's, under sanitizers; `options` of HostRunner."""
    results = host_runner().run(cases, **options)
    for number, ((graph, windows), (_, outputs)) in enumerate(zip(cases, results, strict=True)):
        wrong = np.flatnonzero((outputs != tflm_outputs(graph, windows)).any(axis=0))
        assert wrong.size == 0, f"case {number}: {graph.operators}, outputs {wrong[:10]}"
    return results


def compare_graphs_on_host(graphs: Sequence[Graph], count: int = 20, **options: Any) -> list[CompiledModel]:
    """The same, with `count` windows for each graph."""
    cases = [(graph, windows_for(graph, number, count)) for number, graph in enumerate(graphs)]
    return [compiled for compiled, _ in compare_on_host(cases, **options)]


def compare_on_cortex_m4(graph: Graph, count: int = 20, seed: int = 3, **options: Any) -> CompiledForM4:
    """A model in the emulator whose outputs were found equal to TFLM's; `options` of CortexM4.build."""
    windows = windows_for(graph, seed, count)
    loaded = cortex_m4().build(graph, **options)
    np.testing.assert_array_equal(
        loaded.run(windows), tflm_outputs(graph, windows), err_msg=str(graph.operators)
    )
    return loaded
