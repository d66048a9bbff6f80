"""Train a grid of students: python -m models.study models/study/configs/smoke.toml --out build/study"""

import argparse
import os
import sys
from pathlib import Path

from models.study.run import run_study
from models.study.settings import read_study
from models.study.table import write_csv
from ppg_deploy.errors import IncompleteSweepError, PpgDeployError


def main(arguments: list[str] | None = None) -> int:
    """Run one study from the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.study", description=__doc__)
    parser.add_argument("study", type=Path, help="study file (TOML), see models/study/README.md")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument(
        "--jobs",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="trainings at a time; default: one a core",
    )
    options = parser.parse_args(arguments)
    try:
        result = run_study(read_study(options.study), options.out, jobs=options.jobs, say=_print_now)
        write_csv(options.out / "study.csv", result.rows)
        if result.failures:
            reasons = "\n".join(f"  {failure.point.folder}: {failure.reason}" for failure in result.failures)
            raise IncompleteSweepError(
                f"{len(result.failures)} of {len(result.failures) + len(result.rows)} trainings failed\n{reasons}",
                hint="the same command tries them again; log.txt in their folders has what they printed",
            )
    except PpgDeployError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    return 0


def _print_now(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
