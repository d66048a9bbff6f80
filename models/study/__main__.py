"""Train a grid of students and compare them.

python -m models.study models/study/configs/smoke.toml --out build/study-smoke
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

from models.exit_codes import with_exit_codes
from models.study.costs import Cost, check_boards, measure_costs
from models.study.provenance import provenance_parts
from models.study.report import write_report
from models.study.result import StudyResult, write_result
from models.study.run import run_study
from models.study.settings import StudySettings, read_study
from models.study.table import write_csv
from ppg_deploy.errors import IncompleteSweepError


@with_exit_codes
def main(arguments: list[str] | None = None) -> int:
    """Run one study from the command line and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.study", description="Train a grid of students and compare them."
    )
    parser.add_argument("study", type=Path, help="study file (TOML), see models/study/README.md")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument(
        "--jobs",
        type=int,
        default=len(os.sched_getaffinity(0)),
        help="trainings at a time; default: one a core",
    )
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error("--jobs: at least 1")
    # The report needs it: better said now than after hours of training.
    importlib.import_module("scipy.stats")
    study = read_study(options.study)
    if study.costs is not None:
        check_boards(study.costs)
    result = run_study(study, options.out, jobs=options.jobs, say=_print_now)
    _write(study, result, options.out, options.jobs)
    _check_complete(result)
    return 0


def _write(study: StudySettings, result: StudyResult, out: Path, jobs: int) -> None:
    write_csv(out / "study.csv", result.rows)
    costs: tuple[Cost, ...] = ()
    if study.costs is not None:
        costs = measure_costs(result.rows, out, study.costs, jobs=jobs, say=_print_now)
    write_result(out, result, costs, study.model_dump(mode="json"))
    if result.rows:
        report = write_report(
            out,
            result.rows,
            costs,
            title=f"Study {study.name}",
            scale=study.curve.scale,
            curve_students=study.curve.students,
            notes=provenance_parts(result),
        )
        _print_now(f"report: {report}")


def _check_complete(result: StudyResult) -> None:
    if not result.failures:
        return
    reasons = "\n".join(f"  {failure.training}: {failure.reason}" for failure in result.failures)
    raise IncompleteSweepError(
        f"{len(result.failures)} of {len(result.failures) + len(result.rows)} trainings failed\n{reasons}",
        hint="the same command tries them again; log.txt in their folders has what they printed",
    )


def _print_now(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
