"""Command line: python -m models.synth --out FILE.npz --seed 1 --subjects 4 --duration-s 120"""

import argparse
import sys
from pathlib import Path

from models.exit_codes import with_exit_codes
from models.synth.windows_file import generate_window_set, save_window_set


@with_exit_codes
def main(arguments: list[str] | None = None) -> int:
    """Write one windows file and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.synth",
        description="Write windows of synthetic wrist PPG and acceleration with known heart rate.",
    )
    parser.add_argument("--out", type=Path, required=True, help="windows file (.npz) to write")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first subject; the others count up")
    parser.add_argument("--subjects", type=int, default=4, help="number of subjects (one recording each)")
    parser.add_argument("--duration-s", type=float, default=120.0, help="length of each recording in seconds")
    options = parser.parse_args(arguments)
    window_set = generate_window_set(range(options.seed, options.seed + options.subjects), options.duration_s)
    save_window_set(options.out, window_set)
    lowest, highest = window_set.hr.min(), window_set.hr.max()
    print(
        f"{options.out}: {window_set.hr.size} windows of {options.subjects} subjects, "
        f"heart rate {lowest:.0f} to {highest:.0f} BPM"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
