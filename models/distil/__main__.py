"""Distil a student as a TOML file says: python -m models.distil models/configs/pulse-smoke.toml --out build/smoke"""

import argparse
import sys
from pathlib import Path
from typing import Any

from models.distil.data import split_of
from models.distil.run import distil
from models.distil.settings import read_settings
from models.exit_codes import with_exit_codes


@with_exit_codes
def main(arguments: list[str] | None = None) -> int:
    """Run one distillation from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.distil", description=__doc__)
    parser.add_argument("config", type=Path, help="distillation file (TOML), see models/README.md")
    parser.add_argument("--out", type=Path, required=True, help="folder for the student and its files")
    parser.add_argument("--cache", type=Path, help="folder of trained teachers to share between runs")
    parser.add_argument("--seed", type=int, help="of the student, in place of student.fit.seed")
    options = parser.parse_args(arguments)
    if options.seed is not None and options.seed < 0:
        parser.error("--seed: at least 0")
    settings = read_settings(options.config)
    if options.seed is not None:
        fit = settings.student.fit.model_copy(update={"seed": options.seed})
        student = settings.student.model_copy(update={"fit": fit})
        settings = settings.model_copy(update={"student": student})
    result = distil(settings, split_of(settings.data), options.out, cache=options.cache, report=_print_now)
    for name in ("student", "from_scratch"):
        if name in result:
            _print_summary(name.replace("_", " "), result[name])
    print(f"next: ppg-deploy quantize {options.out / 'student.onnx'} --data {options.out / 'test.npz'}")
    return 0


def _print_now(line: str) -> None:
    print(line, flush=True)


def _print_summary(name: str, facts: dict[str, Any]) -> None:
    error = facts["test_error_bpm"]
    print(f"{name}: test MAE {error['mae']:.2f} BPM float, constant {error['mae_constant']:.2f} BPM")
    for step in ("before", "after"):
        if step in facts["int8"]:
            int8 = facts["int8"][step]
            print(
                f"  {step} int8 training: float {int8['mae_float']:.2f}, int8 {int8['mae_int8']:.2f} "
                f"({int8['delta_mae']:+.3f}) BPM, {int8['model_bytes']:,} B"
            )


if __name__ == "__main__":
    sys.exit(main())
