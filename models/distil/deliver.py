"""A trained student as files that `ppg-deploy quantize` takes, and its float and int8 error."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from models.distil.chosen_windows import spread_over_heart_rate
from models.evaluate import measure
from models.synth import WindowSet, save_window_set
from models.training.cards import as_network_input
from models.training.export import write_card, write_onnx
from models.training.networks import Task
from models.training.split import SubjectSplit
from ppg_deploy import api
from ppg_deploy.config import GateConfig
from ppg_deploy.quantization.preparation import PreparedStudent, QuantizeInputs, prepare_student
from ppg_deploy.windows import load_windows

MODEL = "student.onnx"
CARD = "student.toml"
CALIBRATION = "student.calib.npz"
TEST = "test.npz"
DELIVERED = (MODEL, CARD, CALIBRATION, TEST)


def deliver(
    folder: Path, network: nn.Module, job: Task, split: SubjectSplit, *, calibration_windows: int, seed: int
) -> None:
    """Write student.onnx, student.toml, student.calib.npz (training subjects) and test.npz.

    Raises:
        EnvironmentProblem: the folder cannot be written.
    """
    write_model(folder, network, job)
    write_card(folder / CARD, job.card)
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = spread_over_heart_rate(split.train, calibration_windows, rng)
    write_windows(folder / CALIBRATION, split.train.pick(chosen), job)
    write_windows(folder / TEST, split.test, job)


def write_windows(path: Path, part: WindowSet, job: Task) -> None:
    """Write a windows file in the student's channels and sampling rate."""
    x = as_network_input(part.x, job.student.input_shape)
    save_window_set(path, WindowSet(x, part.hr, part.subject, part.start_s))


def write_model(folder: Path, network: nn.Module, job: Task) -> None:
    """Write student.onnx alone."""
    output = "hr" if job.student.outputs == 1 else "logits"
    write_onnx(folder / MODEL, network, job.student.input_shape, output)


def prepared_in(folder: Path, job: Task) -> PreparedStudent:
    """The delivered student as `quantize` prepares it.

    Raises:
        UnsupportedModelError: it cannot be converted.
    """
    inputs = QuantizeInputs(
        model=folder / MODEL,
        card=job.card,
        card_path=folder / CARD,
        calibration=folder / CALIBRATION,
        gate=GateConfig(),
    )
    return prepare_student(inputs)


def float_error(folder: Path) -> dict[str, Any]:
    """Error of the delivered student on its test windows, by onnxruntime."""
    return asdict(measure(folder / MODEL, folder / CARD, load_windows(folder / TEST)))


def int8_error(folder: Path, out: Path) -> dict[str, Any]:
    """What `ppg-deploy quantize` says about the delivered student on its test windows; `out` gets its files.

    Raises:
        PpgDeployError: as `ppg_deploy.quantize`.
    """
    report = api.quantize(folder / MODEL, out=out, data=folder / TEST)
    accuracy = report.accuracy
    interval = accuracy.delta_interval
    return {
        "windows": accuracy.windows,
        "mae_float": accuracy.mae_float,
        "mae_int8": accuracy.mae_int8,
        "delta_mae": accuracy.delta_mae,
        "delta_interval": None if interval is None else [interval.low, interval.high],
        "mean_abs_difference": accuracy.mean_abs_difference,
        "model_bytes": report.model.bytes,
    }
