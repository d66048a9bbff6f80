"""What a case runs, in a process of its own: the command line, then what its success promises is checked.

The exit code is that of the command, or one of the codes below.
"""

import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from ppg_deploy.cli.main import run
from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import PpgDeployError
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.graph.shapes import total_multiply_accumulates
from ppg_deploy.tflite import read_tflite
from tests.fuzz.cases import Kind

# Our arithmetic differs from TFLM's on a model that both accept.
DIFFERS = 100
_WINDOWS = 8
_LARGEST_INPUT = 1 << 14
# numpy runs this many in about a second.
_LARGEST_MACS = 5_000_000


def run_target(kind: Kind, folder: Path) -> int:
    """Run the commands on folder/m.onnx or folder/m.tflite; the exit code. Messages go to standard error."""
    return _onnx(folder) if kind == "onnx" else _tflite(folder)


def _command(*arguments: str) -> int:
    sys.argv = ["ppg-deploy", *arguments]
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _onnx(folder: Path) -> int:
    np.savez(folder / "windows.npz", x=_windows(folder / "m.onnx"))
    model, windows, out = (str(folder / name) for name in ("m.onnx", "windows.npz", "out"))
    code = _command("quantize", model, "--calib", windows, "--out", out, "--quiet")
    return code or _compare(folder / "out" / "model.tflite")


def _windows(path: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """Windows of the shape that the mutated model asks for, when it asks for a shape."""
    shape: Sequence[int] = (4, 16)
    with contextlib.suppress(Exception):
        wanted = onnx.load(path, load_external_data=False).graph.input[0].type.tensor_type.shape
        sizes = [dimension.dim_value for dimension in wanted.dim][1:]
        if sizes and all(size > 0 for size in sizes) and np.prod(sizes, dtype=float) <= _LARGEST_INPUT:
            shape = sizes
    return np.random.default_rng(0).standard_normal((_WINDOWS, *shape)).astype(np.float32)


def _tflite(folder: Path) -> int:
    path = folder / "m.tflite"
    code = _command("inspect", str(path), "--out", str(folder / "out"), "--quiet")
    try:
        compile_graph(read_tflite(path), model_sha256="0" * 64, dsp=True)
    except PpgDeployError:
        return code
    report = folder / "out" / "inspect.json"
    loads = report.is_file() and json.loads(report.read_bytes())["tflm"]["accepted"]
    return (_compare(path) if loads else 0) or code


def _compare(path: Path) -> int:
    """0 when our int8 arithmetic answers like TFLM's interpreter, or the model is too large to try."""
    graph = read_tflite(path)
    if total_multiply_accumulates(graph) > _LARGEST_MACS or graph.input.size > _LARGEST_INPUT:
        return 0
    rng = np.random.default_rng(0)
    codes = rng.integers(-128, 128, (3, *graph.input.shape[1:])).astype(np.int8)
    expected = TflmInterpreter(path.read_bytes()).run(codes)
    return 0 if np.array_equal(run_quantized_output(graph, codes), expected) else DIFFERS
