"""Everything a bench needs before a device is touched: windows, codes, golden answers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy import handover
from ppg_deploy.boards import Board
from ppg_deploy.building import BuildResult
from ppg_deploy.card import StudentCard
from ppg_deploy.errors import InputError
from ppg_deploy.files import sha256, sha256_of_file
from ppg_deploy.golden import open_golden
from ppg_deploy.graph import Graph
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.project import Manifest
from ppg_deploy.quantization.codes import quantize_windows
from ppg_deploy.tflite import read_tflite
from ppg_deploy.windows import Windows, check_shape, load_windows, normalise


@dataclass(frozen=True)
class BenchPlan:
    """What will be streamed and what must come back.

    Attributes:
        x: float32 (N, *ONNX input shape without batch), normalised.
        codes: (N, input elements), of the type of the model's input.
        expected: (N, output elements), of the type of the model's output, of the golden reference `golden`.
        operators: functions of the generated C, in order of execution.
        push: its sliding windows, if it was built with them.
        report: quantize.json of this very model, or None for a model of other origin.
    """

    board: Board
    manifest: Manifest
    build: BuildResult
    graph: Graph
    windows: Windows
    windows_sha256: str
    x: NDArray[np.float32]
    codes: Codes
    expected: Codes
    golden: str
    operators: tuple[handover.CompiledOperator, ...]
    push: handover.CompiledPush | None
    report: handover.QuantizeReport | None

    @property
    def card(self) -> StudentCard | None:
        """The student card, if quantize had one."""
        return None if self.report is None else self.report.card


def prepare_plan(
    *,
    board: Board,
    manifest: Manifest,
    build: BuildResult,
    project: Path,
    quantize_json: Path,
    data: Path | None,
) -> BenchPlan:
    """Read the model and the windows, and compute the golden answers.

    Args:
        board: the board that the firmware was built for.
        manifest: the rendered project's manifest.
        build: the finished build.
        project: folder of the rendered project.
        quantize_json: quantize.json; ignored when it is missing or describes another model.
        data: windows file; the calibration windows when None.

    Raises:
        InputError: the model's copy was changed, or the windows do not fit the model.
    """
    model_path = project / handover.MODEL_NAME
    graph = read_tflite(model_path)
    tflite = model_path.read_bytes()
    if sha256(tflite) != manifest.model_sha256:
        raise InputError(
            f"{model_path} is not the model that the firmware was built from",
            hint="run ppg-deploy build again",
        )
    report = handover.matching_report(quantize_json, manifest.model_sha256)
    path = data if data is not None else _calibration_path(report)
    windows = load_windows(path)
    if report is None:
        x = _as_model_input(windows, graph)
        arranged = x
    else:
        check_shape(windows, report.model.input.onnx_shape[1:])
        x = normalise(windows, report.card)
        arranged = x.transpose(report.model.input.onnx_axes)
    codes = quantize_windows(
        np.ascontiguousarray(arranged).reshape(len(x), *graph.input.shape[1:]), graph.input
    )
    golden = open_golden(graph, tflite)
    compiled = handover.load_operators(project / handover.OPERATORS_NAME)
    return BenchPlan(
        board=board,
        manifest=manifest,
        build=build,
        graph=graph,
        windows=windows,
        windows_sha256=sha256_of_file(path),
        x=x,
        codes=codes.reshape(len(codes), -1),
        expected=golden.run(codes),
        golden=golden.description,
        operators=compiled.operators,
        push=compiled.push,
        report=report,
    )


def _calibration_path(report: handover.QuantizeReport | None) -> Path:
    if report is None:
        raise InputError(
            "the model was not quantised in this folder, so there are no calibration windows to stream",
            hint="give windows with --data FILE.npz",
        )
    return Path(report.calibration.file.path)


def _as_model_input(windows: Windows, graph: Graph) -> NDArray[np.float32]:
    """Windows of a model without quantize.json: x is in the shape of the .tflite input."""
    check_shape(windows, graph.input.shape[1:])
    return windows.x
