"""Slices, concatenations and LSTMs: numpy reference and compiled C against TFLM, byte by byte."""

import shutil

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import SHA256, host_runner
from tests.support.compile_networks import windows_for
from tests.support.sequence_cases import SEQUENCE_FAMILIES, SequenceBuilder

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")


@pytest.mark.parametrize("family", sorted(SEQUENCE_FAMILIES))
def test_outputs_equal_tflm(family: str) -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    graphs = [SEQUENCE_FAMILIES[family](seed) for seed in range(25)]
    cases = [(graph, windows_for(graph, number)) for number, graph in enumerate(graphs)]
    distinct = 0
    for number, ((graph, windows), (_, outputs)) in enumerate(
        zip(cases, host_runner().run(cases), strict=True)
    ):
        expected = TflmInterpreter(write_tflite(graph)).run(windows)
        assert np.array_equal(run_quantized_output(graph, windows), expected), f"numpy, {family} {number}"
        assert np.array_equal(outputs, expected), f"C, {family} {number}: {graph.operators}"
        distinct += len(np.unique(expected)) > 8
    # Constant outputs would hide errors: enough models must use many codes.
    assert distinct > len(cases) / 2


def test_lstm_starts_every_window_from_zero_state() -> None:
    from ppg_deploy.golden.tflm import TflmInterpreter

    net = SequenceBuilder(1, (1, 9, 4))
    graph = net.graph(net.lstm(net.input, 6))
    windows = windows_for(graph, 3, 100)
    ((_, outputs),) = host_runner().run([(graph, windows)])
    alone = [TflmInterpreter(write_tflite(graph)).run(window[None])[0] for window in windows[:10]]
    np.testing.assert_array_equal(outputs[:10], alone)
    np.testing.assert_array_equal(outputs, TflmInterpreter(write_tflite(graph)).run(windows))
    # Backwards: what came before a window makes no difference.
    np.testing.assert_array_equal(outputs[::-1], TflmInterpreter(write_tflite(graph)).run(windows[::-1]))


def test_leading_rows_cost_no_step() -> None:
    net = SequenceBuilder(2, (1, 1, 10, 4))
    base = net.convolution(net.input, 4, (1, 3))
    part = net.part(base, (0, 0, 3, 0), (1, 1, 8, 4), (1, 1, 1, 1))
    compiled = compile_graph(net.graph(net.convolution(part, 2, (1, 1))), model_sha256=SHA256, dsp=False)
    assert [operator.kind for operator in compiled.operators] == ["CONV_2D", "CONV_2D"]
    first = compiled.operators[0].output_offset
    assert first is not None
    assert compiled.operators[1].input_offsets == (first + 3 * 4,)
