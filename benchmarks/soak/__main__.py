"""python -m benchmarks.soak [--windows N] [--seed N] [--damage P] [--restart P]."""

import argparse
import sys
from dataclasses import asdict

from benchmarks.soak import SoakFigures, run_soak
from benchmarks.soak.line import Weather


def main() -> int:
    """Print the figures; 1 when an answer was wrong or lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--windows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--damage", type=float, default=Weather.damage, help="share of frames, each way")
    parser.add_argument("--restart", type=float, default=Weather.restart, help="share of frames to the board")
    options = parser.parse_args()
    figures = run_soak(
        options.windows, seed=options.seed, weather=Weather(damage=options.damage, restart=options.restart)
    )
    _print(figures)
    return 1 if figures.wrong or figures.silently_lost else 0


def _print(figures: SoakFigures) -> None:
    print(
        f"{figures.windows:,} windows: {figures.right:,} right, {figures.wrong} wrong, {figures.missing} reported "
        f"missing, {figures.silently_lost} lost in silence"
    )
    print(f"sessions opened anew: {figures.sessions}")
    print(f"faults injected: {figures.faults.total():,}")
    for kind, count in sorted(figures.faults.items()):
        print(f"  {kind:20} {count:>8,}")
    print("counted by the host:")
    for name, number in asdict(figures.link).items():
        print(f"  {name:20} {number:>8,}")
    print(f"{figures.line_s / 60:.1f} minutes on the line, simulated in {figures.wall_s:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
