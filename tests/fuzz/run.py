"""Program: run mutated files through quantize, inspect and the compiler; count how they end.

    python -m tests.fuzz.run --onnx 500 --tflite 500        everything, as `make fuzz` does
    python -m tests.fuzz.run --only onnx:17 tflite:203      single cases, with their messages
    python -m tests.fuzz.run --only onnx:17 --keep DIR      also write the mutated files

Good ends: success (checked: see targets.py), or a clean error. Anything else is listed, and the exit code is 1.
"""

import argparse
import functools
import json
import os
import sys
from collections import Counter
from pathlib import Path

# Before numpy starts its threads: forks inherit none of them, and the address space is limited.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import onnxruntime  # noqa: E402, F401 (imported once, for all forks)
from tflite_micro import runtime  # noqa: E402, F401

from ppg_deploy import api, audit, quantization  # noqa: E402, F401
from tests.fuzz.cases import Case, make_case  # noqa: E402
from tests.fuzz.runner import Outcome, complaint, run_forked  # noqa: E402
from tests.fuzz.targets import run_target  # noqa: E402


def run_case(case: Case) -> Outcome:
    """One case, in a fork."""
    target = functools.partial(run_target, case.kind)
    return run_forked(target, case.content, f"m.{case.kind}")


def _asked(arguments: argparse.Namespace) -> list[Case]:
    if arguments.only:
        pairs = (name.split(":") for name in arguments.only)
        return [make_case(kind, int(number)) for kind, number in pairs]
    first = arguments.first
    cases = [make_case("onnx", number) for number in range(first, first + arguments.onnx)]
    return cases + [make_case("tflite", number) for number in range(first, first + arguments.tflite)]


def main() -> int:
    """0 when every case ended well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--onnx", type=int, default=0, help="number of mutated ONNX files")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--tflite", type=int, default=0, help="number of mutated .tflite files")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="KIND:NUMBER", help="these cases, with messages"
    )
    parser.add_argument("--keep", type=Path, help="folder for the files of the cases that ended badly")
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = {"onnx": Counter(), "tflite": Counter()}
    bad, slowest, busiest, largest = [], 0.0, 0.0, 0
    for case in _asked(arguments):
        outcome = run_case(case)
        wrong = complaint(outcome)
        counts[case.kind][outcome.label] += 1
        slowest, busiest = max(slowest, outcome.seconds), max(busiest, outcome.processor_seconds)
        largest = max(largest, outcome.peak_bytes)
        title = f"{case.name} ({case.source}: {', '.join(case.mutations)})"
        if arguments.only or wrong:
            last = "\n    ".join(outcome.messages.strip().splitlines()[-12:])
            sys.stderr.write(
                f"{title}: {outcome.label}, {outcome.seconds:.1f} s: {wrong or 'fine'}\n    {last}\n"
            )
        if wrong:
            bad.append(f"{title}: {wrong}")
        if arguments.keep is not None and (wrong or arguments.only):
            arguments.keep.mkdir(parents=True, exist_ok=True)
            (arguments.keep / f"{case.number}.{case.kind}").write_bytes(case.content)
    summary = {
        "counts": {kind: dict(sorted(counter.items())) for kind, counter in counts.items()},
        "slowest_s": round(slowest, 2),
        "most_processor_s": round(busiest, 2),
        "largest_resident_bytes": largest,
        "bad": bad,
    }
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
