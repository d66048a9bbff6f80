"""A slice of `make fuzz`: mutated models end in a checked result or in a clean error, never otherwise."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.commands import REPOSITORY

pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")


def fuzz(*arguments: str) -> dict[str, dict[str, int]]:
    """Counts of how the cases ended; fails on any bad end."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=280,
    )
    summary = json.loads(done.stdout)
    assert summary["bad"] == [], done.stderr
    assert summary["largest_resident_bytes"] < 2 << 30
    return dict(summary["counts"])


def test_a_slice_of_mutated_models() -> None:
    counts = fuzz("--onnx", "60", "--tflite", "60")
    for kind in ("onnx", "tflite"):
        assert sum(counts[kind].values()) == 60
        # Mutations that only ever break everything, or nothing, would test nothing.
        assert 0 < counts[kind].get("exit 0", 0) < 55


def test_case_numbers_keep_their_meaning() -> None:
    """numpy promises the bit stream; the corpus and the mutations are ours to keep."""
    from tests.fuzz.cases import make_case

    first = {kind: make_case(kind, 1) for kind in ("onnx", "tflite")}
    for kind, case in first.items():
        assert case == make_case(kind, 1)
        assert case.content != make_case(kind, 2).content
        assert case.mutations


@pytest.mark.parametrize(
    ("code", "messages", "wrong"),
    [
        (0, "", None),
        (2, "error: m\nhint: h\n", None),
        (2, "error: m\n", "printed 1 errors and 0 hints"),
        (70, "error: m\nhint: h\n", "ended with exit code 70"),
        (2, "Traceback\nerror: m\nhint: h\n", "printed a traceback"),
    ],
)
def test_what_counts_as_a_clean_end(code: int, messages: str, wrong: str | None) -> None:
    from tests.fuzz.runner import Outcome, complaint

    assert complaint(Outcome(code, None, False, 1.0, 1.0, 1, messages)) == wrong


def test_the_runner_survives_what_its_children_do() -> None:
    script = """
import os, sys, time
from tests.fuzz import runner
runner.WALL_S = 1.0
for target in (lambda _: os.abort(), lambda _: time.sleep(60), lambda _: len(bytearray(3 << 30)), lambda _: 5):
    outcome = runner.run_forked(target, b"x", "m")
    print(outcome.label, "MemoryError" in outcome.messages)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:4] == ["signal 6 False", "timeout False", "exit 71 True", "exit 5 False"]
