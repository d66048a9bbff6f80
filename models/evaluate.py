"""Measure a distilled student's float error with onnxruntime: python -m models.evaluate models/pulse-demo"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from models.distil.synthetic_subjects import SyntheticSubjects
from models.exit_codes import with_exit_codes
from models.synth import generate_window_set
from models.training.cards import as_network_input
from ppg_deploy.card import load_card
from ppg_deploy.decode import decode_bpm, post_filter
from ppg_deploy.errors import InputError
from ppg_deploy.windows import Windows, load_windows, normalise


@dataclass(frozen=True)
class FloatError:
    """Error of the float model on one set of windows, in BPM.

    Attributes:
        windows: number of windows.
        subjects: number of subjects.
        mae: mean absolute error of the decoded answers.
        mae_post_filtered: same after the card's post-filter.
        median_error: median absolute error of the decoded answers.
        worst_subject_mae: largest mean absolute error of one subject.
        mae_by_subject: mean absolute error of each subject: subjects, not windows, are the sample.
        mae_constant: mean absolute error of the best constant, the median heart rate of these very windows.
    """

    windows: int
    subjects: int
    mae: float
    mae_post_filtered: float
    median_error: float
    worst_subject_mae: float
    mae_constant: float
    mae_by_subject: Mapping[str, float]


def generated_windows(folder: Path, shape: tuple[int, ...], seeds: range, seconds: float) -> Windows:
    """Windows of the given synthetic subjects in a student's input shape, without the batch."""
    window_set = generate_window_set(seeds, seconds)
    x = as_network_input(window_set.x, shape)
    return Windows(folder, x, window_set.hr, window_set.subject, window_set.start_s)


def measure(model: Path, card_path: Path, windows: Windows) -> FloatError:
    """Run the ONNX model on labelled windows, one at a time.

    Raises:
        InputError: the windows have no labels, or the card is invalid or does not fit them.
    """
    import onnxruntime

    if windows.hr is None or windows.subject is None:
        raise InputError(f"{windows.path} has no hr or no subject", hint="give labelled windows")
    card = load_card(card_path)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    inputs = normalise(windows, card)
    bpm = decode_bpm(card.output, np.concatenate([session.run(None, {"x": x[None]})[0] for x in inputs]))
    errors = np.abs(bpm - windows.hr)
    by_subject = {
        str(name): round(float(errors[windows.subject == name].mean()), 4)
        for name in np.unique(windows.subject)
    }
    return FloatError(
        windows=len(windows),
        subjects=len(by_subject),
        mae=round(float(errors.mean()), 4),
        mae_post_filtered=round(float(np.abs(post_filter(card, bpm, windows) - windows.hr).mean()), 4),
        median_error=round(float(np.median(errors)), 4),
        worst_subject_mae=max(by_subject.values()),
        mae_constant=round(float(np.abs(windows.hr - np.median(windows.hr)).mean()), 4),
        mae_by_subject=by_subject,
    )


def subjects_of(folder: Path) -> SyntheticSubjects:
    """The generated subjects that a folder of `python -m models.distil` was trained and tested on.

    Raises:
        InputError: result.json cannot be read, or names no generated subjects.
    """
    path = folder / "result.json"
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["settings"]["data"]["synthetic"]
        return SyntheticSubjects.model_validate(table)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise InputError(
            f"{path} names no generated subjects: {error}",
            hint="give a folder that `python -m models.distil` wrote from [data.synthetic]",
        ) from error


def measure_folder(folder: Path) -> dict[str, FloatError]:
    """Errors of a student's folder: `shipped` on its test.npz, `held_out` on all test subjects, generated anew.

    Raises:
        InputError: a file is missing or wrong.
    """
    subjects = subjects_of(folder)
    shipped = load_windows(folder / "test.npz")
    held_out = generated_windows(
        folder, shipped.x.shape[1:], subjects.test_seeds, subjects.seconds_per_subject
    )
    sets = {"shipped": shipped, "held_out": held_out}
    return {
        name: measure(folder / "student.onnx", folder / "student.toml", windows)
        for name, windows in sets.items()
    }


@with_exit_codes
def main(arguments: list[str] | None = None) -> int:
    """Print the errors of a student's folder and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description=__doc__)
    parser.add_argument("folder", type=Path, help="what `python -m models.distil` wrote")
    options = parser.parse_args(arguments)
    results = measure_folder(options.folder)
    for name, result in results.items():
        figures = {key: value for key, value in asdict(result).items() if key != "mae_by_subject"}
        print(name, *(f"{key} {value}" for key, value in figures.items()), sep="  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
