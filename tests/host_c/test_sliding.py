"""ppg_model_push over streams: every answer has the bytes that TFLM gives for the whole window."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.compile import CompiledModel, compile_graph
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.errors import DoesNotFitError, InputError
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import AveragePool2D, MaxPool2D
from ppg_deploy.tflite.writer import write_tflite
from tests.support.compile_host import API, RUNTIME, SHA256, WARNINGS, write_sources
from tests.support.compile_networks import NetworkBuilder, pulse_like, resnet_like

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

Codes = NDArray[np.int8]

# Reads commands: p SAMPLES, r WINDOW, x. Writes after p: the status byte and the output, after r: the output.
_DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"

int main(void) {
  int command;
  ppg_model_init();
  while ((command = getchar()) != EOF) {
    if (command == 'x') {
      ppg_model_restart_stream();
      continue;
    }
    size_t size = command == 'p' ? PPG_MODEL_PUSH_BYTES : PPG_MODEL_INPUT_BYTES;
    int8_t *in = malloc(size), *out = malloc(PPG_MODEL_OUTPUT_BYTES);
    memset(out, 0x55, PPG_MODEL_OUTPUT_BYTES);
    if (fread(in, 1, size, stdin) != size) return 2;
    if (command == 'p') {
      putchar(ppg_model_push(in, out));
    } else if (ppg_model_run(in, out) != PPG_MODEL_OK) {
      return 3;
    }
    fwrite(out, 1, PPG_MODEL_OUTPUT_BYTES, stdout);
    free(in), free(out);
  }
  return 0;
}
"""


class _Stream:
    """A compiled model with hop, its commands so far, and what each should answer."""

    def __init__(self, graph: Graph, hop: int, folder: Path, **options: object) -> None:
        self._graph = graph
        self._hop = hop
        self.compiled: CompiledModel = compile_graph(
            graph,
            model_sha256=SHA256,
            dsp=False,
            hop=hop,
            **options,  # type: ignore[arg-type]
        )
        write_sources(self.compiled, folder)
        (folder / "driver.c").write_text(_DRIVER)
        sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
        kernels = [RUNTIME / name for name in self.compiled.kernel_files if name.endswith(".c")]
        sources = [folder / "driver.c", folder / "model.c", folder / "model_data.c", *kernels]
        includes = [f"-I{folder}", f"-I{RUNTIME}", f"-I{API}"]
        self._program = folder / "driver"
        subprocess.run(
            ["gcc", *WARNINGS, *sanitizers, *includes, *map(str, sources), "-o", str(self._program)],
            check=True,
            timeout=120,
        )
        self._commands = bytearray()
        self._window: Codes | None = None
        self._received = 0
        self._windows: list[Codes | None] = []

    @property
    def _shape(self) -> tuple[int, int, int]:
        _, rows, columns, channels = self._graph.input.shape
        return rows, columns, channels

    def push(self, samples: Codes) -> None:
        """Samples (rows, hop, channels)."""
        rows, columns, channels = self._shape
        self._commands += b"p" + samples.tobytes()
        if self._window is None:
            self._window = np.zeros((rows, 0, channels), np.int8)
            self._received = 0
        self._window = np.concatenate([self._window, samples], axis=1)[:, -columns:]
        self._received += self._hop
        self._windows.append(self._window if self._received >= columns else None)

    def run(self, window: Codes) -> None:
        """An ordinary run in between."""
        self._commands += b"r" + window.tobytes()

    def restart(self) -> None:
        """After a gap."""
        self._commands += b"x"
        self._window = None

    def check(self) -> int:
        """Compare all answers with TFLM; returns the number of answers."""
        from ppg_deploy.golden.tflm import TflmInterpreter

        done = subprocess.run(
            [str(self._program)], input=bytes(self._commands), capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        golden = TflmInterpreter(write_tflite(self._graph))
        answers = np.frombuffer(done.stdout, np.int8)
        size = self.compiled.output_bytes
        answered, at, position = 0, 0, 0
        rows, columns, channels = self._shape
        sample_bytes = rows * self._hop * channels
        while at < len(self._commands):
            command = self._commands[at : at + 1]
            at += 1
            if command == b"x":
                continue
            if command == b"r":
                window = np.frombuffer(bytes(self._commands[at : at + rows * columns * channels]), np.int8)
                at += window.size
                expected = golden.run(window.reshape(1, rows, columns, channels))[0]
                np.testing.assert_array_equal(answers[position : position + size], expected)
                position += size
                continue
            at += sample_bytes
            window_or_none = self._windows[answered]
            answered += 1
            status, answer = int(answers[position]), answers[position + 1 : position + 1 + size]
            position += 1 + size
            if window_or_none is None:
                assert status == 1
                assert set(answer.tolist()) == {0x55}, "output was touched while filling"
                continue
            assert status == 0
            expected = golden.run(window_or_none.reshape(1, rows, columns, channels))[0]
            np.testing.assert_array_equal(answer, expected, err_msg=f"push {answered}")
        assert position == answers.size
        return sum(window is not None for window in self._windows)


def _long_stream(stream: _Stream, seed: int, pushes: int) -> int:
    random = np.random.default_rng(seed)
    rows, columns, channels = stream._shape

    def samples(count: int) -> Codes:
        return random.integers(-128, 128, (rows, count, channels)).astype(np.int8)

    for number in range(pushes):
        stream.push(samples(stream._hop))
        if number == pushes // 2:
            stream.restart()
        if number in (pushes // 4, pushes - 3):
            stream.run(samples(columns))
    return stream.check()


@pytest.mark.parametrize("optimize", list(Optimize))
def test_pulse_student_every_two_seconds(tmp_path: Path, optimize: Optimize) -> None:
    stream = _Stream(pulse_like(), 64, tmp_path, optimize=optimize)
    assert _long_stream(stream, 1, 24) >= 15
    push = stream.compiled.push
    assert push is not None
    pooled = 4 * 256 + 4 * 64 * 16 + 4 * 16 * 24
    if optimize is Optimize.SPEED:
        # Two of the three convolutions before the second pool are kept as well.
        assert push.kept_bytes == pooled + 2 * 4 * 64 * 24
        assert push.macs / stream.compiled.macs < 0.52
    else:
        # The window and the outputs of two pools.
        assert push.kept_bytes == pooled
        assert 0.52 < push.macs / stream.compiled.macs < 0.6


@pytest.mark.parametrize("hop", [16, 32, 96, 128])
def test_pulse_student_with_other_hops(tmp_path: Path, hop: int) -> None:
    assert _long_stream(_Stream(pulse_like(), hop, tmp_path), hop, 3 * 256 // hop) > 3


@pytest.mark.parametrize("hop", [2, 20, 50])
def test_residual_network(tmp_path: Path, hop: int) -> None:
    stream = _Stream(resnet_like(channels=8, classes=20), hop, tmp_path)
    assert _long_stream(stream, hop, 3 * 200 // hop) >= 4


def _random_chain(seed: int) -> tuple[Graph, int]:
    random = np.random.default_rng(seed)
    rows, columns = int(random.choice([1, 1, 2, 3])), int(random.integers(30, 70))
    net = NetworkBuilder(seed, (1, rows, columns, int(random.choice([1, 2, 3]))))
    source = net.input
    for _ in range(int(random.integers(1, 4))):
        channels, kernel = int(random.choice([3, 4, 6])), int(random.choice([1, 2, 3, 5]))
        source = net.convolution(source, channels, (1, kernel), stride=(1, int(random.choice([1, 1, 2]))))
        if random.random() < 0.4:
            source = net.add(source, net.convolution(source, channels, (1, 3), dilation=(1, 2)))
    width = int(random.choice([1, 2]))
    source = net.pool(source, AveragePool2D if random.integers(2) else MaxPool2D, (1, width), (1, width))
    source = net.convolution(source, 4, (1, 3))
    source = net.reshape(source, (1, net.tensors[source].size))
    return net.graph(net.dense(source, 3)), 16 if columns > 40 else 8


def test_random_chains(tmp_path: Path) -> None:
    refused = 0
    for seed in range(12):
        graph, hop = _random_chain(seed)
        (folder := tmp_path / str(seed)).mkdir()
        try:
            stream = _Stream(graph, hop, folder)
        except InputError:
            # Its strides do not divide the hop, or the receptive field is as wide as what windows share.
            refused += 1
            continue
        assert _long_stream(stream, seed, 20) >= 5
    assert refused <= 6


def test_smallest_budget_holds_for_runs_and_pushes(tmp_path: Path) -> None:
    graph, hop = pulse_like(columns=128), 32
    with pytest.raises(DoesNotFitError, match="arena of at least") as caught:
        compile_graph(graph, model_sha256=SHA256, dsp=False, hop=hop, ram_budget=1000)
    smallest = int(caught.value.hint.split("--ram-budget ")[1].split()[0])
    with pytest.raises(DoesNotFitError):
        compile_graph(graph, model_sha256=SHA256, dsp=False, hop=hop, ram_budget=smallest - 1)
    stream = _Stream(graph, hop, tmp_path, ram_budget=smallest)
    assert stream.compiled.arena_bytes == smallest
    assert f"#define PPG_MODEL_ARENA_BYTES {smallest}\n" in stream.compiled.files["model.h"]
    assert _long_stream(stream, hop, 2 * 128 // hop + 4) >= 4


def test_operators_of_a_push() -> None:
    compiled = compile_graph(pulse_like(), model_sha256=SHA256, dsp=False, hop=64)
    push = compiled.push
    assert push is not None
    assert push.window == (4, 256, 1)
    assert push.sample_bytes == 4 * 64
    assert [operator.index for operator in push.operators] == list(range(len(compiled.operators) + 1))
    assert push.operators[-1].kind == "STREAM"
    assert sum(operator.macs for operator in push.operators) == push.macs
    for operator, whole in zip(push.operators, compiled.operators, strict=False):
        assert (operator.kind, operator.name) == (whole.kind, whole.name)
        assert operator.macs <= whole.macs
        called = re.findall(
            rf"^void ppg_model_push_op_{operator.index:03d}(?:_piece_\d+)?\(.*;$",
            compiled.files["model.c"],
            re.MULTILINE,
        )
        assert len(called) == operator.pieces


@pytest.mark.parametrize("hop", [0, 257])
def test_hops_beyond_the_window_are_refused(hop: int) -> None:
    with pytest.raises(InputError, match=f"--hop {hop} is outside of 1 to 256"):
        compile_graph(pulse_like(), model_sha256=SHA256, dsp=False, hop=hop)


def test_a_hop_that_the_pools_do_not_divide_keeps_what_lies_before_them(tmp_path: Path) -> None:
    stream = _Stream(pulse_like(), 63, tmp_path)
    assert stream.compiled.push is not None
    assert stream.compiled.push.kept_bytes == 4 * 256 + 4 * 256 * 16
    assert _long_stream(stream, 63, 16) >= 5


def test_a_hop_that_leaves_nothing_in_common_is_refused() -> None:
    with pytest.raises(InputError, match="no layer's outputs can be kept between windows that are 252"):
        compile_graph(pulse_like(), model_sha256=SHA256, dsp=False, hop=252)


def test_a_model_that_mixes_the_whole_window_at_once_is_refused() -> None:
    net = NetworkBuilder(1, (1, 1, 16, 1))
    source = net.reshape(net.input, (1, 16))
    graph = net.graph(net.dense(source, 2))
    with pytest.raises(InputError, match="first layer mixes the whole window"):
        compile_graph(graph, model_sha256=SHA256, dsp=False, hop=4)
