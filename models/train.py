"""Train the demo student on generated data.

python -m models.train --config models/pulse-demo/train.toml --out DIR
"""

import argparse
import platform
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from models.evaluate import measure_folder
from models.synth import WindowSet, generate_window_set, save_window_set
from models.training.cards import regression_card
from models.training.config import TrainConfig, read_config
from models.training.data import spread_over_heart_rate, training_recordings
from models.training.export import write_card, write_onnx
from models.training.fit import fit
from ppg_deploy.errors import PpgDeployError
from ppg_deploy.files import sha256_of_file, write_json


def calibration_windows(config: TrainConfig) -> WindowSet:
    """Windows of the training subjects, spread over their heart rates."""
    candidates = generate_window_set(config.data.train_seeds, config.data.seconds_per_subject)
    rng = np.random.Generator(np.random.PCG64(config.fit.seed))
    return candidates.pick(spread_over_heart_rate(candidates, config.export.calibration_windows, rng))


def shipped_test_windows(config: TrainConfig) -> WindowSet:
    """An unbroken run of windows from the middle of each shipped test subject's recording."""
    candidates = generate_window_set(config.export.shipped_test_seeds, config.data.seconds_per_subject)
    per_recording = candidates.hr.size // len(config.export.shipped_test_seeds)
    wanted = min(config.export.shipped_windows_per_subject, per_recording)
    first = (per_recording - wanted) // 2
    rows = [
        number * per_recording + first + np.arange(wanted)
        for number in range(len(config.export.shipped_test_seeds))
    ]
    return candidates.pick(np.concatenate(rows))


def train(config: TrainConfig, out: Path) -> dict[str, Any]:
    """Generate data, fit, export and measure; what is returned is also written to `out`/result.json.

    Writes student.onnx, student.toml, student.calib.npz, test.npz and result.json.

    Raises:
        EnvironmentProblem: `out` cannot be written.
    """
    started = time.process_time()
    recordings = training_recordings(config.data.train_seeds, config.data.seconds_per_subject)
    normalisation = recordings.normalisation()
    validation = generate_window_set(config.data.validation_seeds, config.data.seconds_per_subject)
    student = fit(recordings, normalisation, validation, config.fit, print)
    write_onnx(out / "student.onnx", student)
    write_card(out / "student.toml", regression_card(config.export.name, normalisation))
    save_window_set(out / "student.calib.npz", calibration_windows(config))
    save_window_set(out / "test.npz", shipped_test_windows(config))

    errors = measure_folder(out, config.data)
    result = {
        "schema": 1,
        "name": config.export.name,
        "float_error_bpm": {name: asdict(error) for name, error in errors.items()},
        "cpu_seconds": round(time.process_time() - started),
        "sha256": {
            name: sha256_of_file(out / name)
            for name in ("student.onnx", "student.toml", "student.calib.npz", "test.npz")
        },
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "onnx": onnx.__version__,
        },
        "settings": config.model_dump(mode="json"),
    }
    write_json(out / "result.json", result)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run one training from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train a demo student.")
    parser.add_argument("--config", type=Path, required=True, help="training file (TOML)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the student and its files")
    parser.add_argument("--smoke", action="store_true", help="tiny run of seconds; the weights are useless")
    options = parser.parse_args(arguments)
    try:
        config = read_config(options.config)
        result = train(config.smoke() if options.smoke else config, options.out)
    except PpgDeployError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    for name, error_bpm in result["float_error_bpm"].items():
        print(name, *(f"{key} {value}" for key, value in error_bpm.items()), sep="  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
