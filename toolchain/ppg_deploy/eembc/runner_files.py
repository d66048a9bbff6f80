"""What the public runner reads: a test script under the model's id, input files, and what must come back."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppg_deploy import files, handover
from ppg_deploy.eembc.real import as_printed
from ppg_deploy.golden import open_golden
from ppg_deploy.graph import Graph
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.quantization.codes import quantize_windows
from ppg_deploy.windows import check_shape, load_windows, normalise

WINDOWS = 5
"""Input files: a performance or energy run measures five windows, each with the next file."""

TRUTH_NAME = "y_labels.csv"
EXPECTED_NAME = "expected.csv"
_WINDOW_S = 10.0
_WARM_UPS = 10
_CYCLES_PER_MAC = 1.5
"""Fewer than our kernels take on any network so far: better a window that is too long than one that does not count."""


@dataclass(frozen=True)
class RunnerFiles:
    """Where they are. `datasets` is the runner's --dataset_path, `tests` its --test_script."""

    model_id: str
    tests: Path
    datasets: Path


def write_runner_files(
    folder: Path,
    *,
    model_id: str,
    graph: Graph,
    tflite: bytes,
    report: handover.QuantizeReport,
    clock_hz: int,
) -> RunnerFiles:
    """Write tests.yaml, datasets/<id>/*.bin with y_labels.csv, and expected.csv below `folder`.

    The windows are spread evenly over the calibration file that `report` names. A .bin file is the model's input as
    its codes lie in memory: int8 as one byte in two's complement, int16 as two with the low byte first.

    Raises:
        InputError: the calibration windows are gone or no longer fit the model.
    """
    windows = load_windows(Path(report.calibration.file.path))
    check_shape(windows, report.model.input.onnx_shape[1:])
    rows = np.linspace(0, len(windows) - 1, WINDOWS).astype(np.intp)
    x = normalise(windows.select(rows), report.card).transpose(report.model.input.onnx_axes)
    codes = quantize_windows(np.ascontiguousarray(x).reshape(len(x), *graph.input.shape[1:]), graph.input)
    expected = open_golden(graph, tflite).run(codes)
    datasets = folder / "datasets"
    truth, answers = [], []
    for row, window, output in zip(rows, codes, expected, strict=True):
        name = f"window-{row:05d}.bin"
        files.write_bytes(datasets / model_id / name, window.astype(window.dtype.newbyteorder("<")).tobytes())
        # The runner's columns: file, number of classes, class. A regression has neither.
        truth.append((name, 1, 0))
        answers.append(
            (name, *as_printed(output, scale=graph.output.scale, zero_point=graph.output.zero_point))
        )
    files.write_text(datasets / model_id / TRUTH_NAME, _csv(truth))
    files.write_text(folder / EXPECTED_NAME, _csv(answers))
    tests = folder / "tests.yaml"
    macs = sum(multiply_accumulates(graph, operator) for operator in graph.operators)
    files.write_text(tests, _tests(model_id, runs=_runs(macs, clock_hz)))
    return RunnerFiles(model_id=model_id, tests=tests, datasets=datasets)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _runs(macs: int, clock_hz: int) -> int:
    return max(1, math.ceil(_WINDOW_S * clock_hz / (_CYCLES_PER_MAC * max(macs, 1))))


def _tests(model_id: str, *, runs: int) -> str:
    """tests.yaml of the runner; its format is in benchmark/runner/README.md of mlcommons/tiny."""
    return f"""# For the runner of mlcommons/tiny, rendered by ppg-deploy. {runs} inferences are a guess from
# the number of multiplications: choose as many as last at least 10 s.
{model_id}:
  name: heart_rate
  model: {model_id}
  truth_file: {TRUTH_NAME}
  script:
    - loop {WINDOWS}:
      - download
      - infer {runs} {_WARM_UPS}
"""
