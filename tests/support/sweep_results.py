"""Results of points that nobody built: the figures follow from the point's RAM budget."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ppg_deploy.files import sha256_of_file
from ppg_deploy.report import Report, Spread
from ppg_deploy.report import schema as parts
from ppg_deploy.results import Samples

SITE = Path(__file__).parent / "fake_sweep_steps"
REPOSITORY = Path(__file__).resolve().parents[2]


def fake_environment(folder: Path, behaviours: Mapping[int, str]) -> dict[str, str]:
    """What a process needs so that its points are fake; attempts are logged in `folder`/attempts."""
    places = [str(SITE), str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(places),
        "FAKE_SWEEP_STEPS": json.dumps(behaviours),
        "FAKE_SWEEP_LOG": str(folder / "attempts"),
    }


def attempts(folder: Path) -> list[tuple[int, int]]:
    """(RAM budget, process id) of every attempt so far."""
    log = folder / "attempts"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(int(budget), int(pid)) for budget, pid in (line.split() for line in lines)]


def times_tried(folder: Path) -> Counter[int]:
    """How often each point was tried, by its RAM budget."""
    return Counter(budget for budget, _ in attempts(folder))


def write_fake_sweep(folder: Path, budgets: list[int], limits: str = "") -> Path:
    """A sweep over RAM budgets of a model that no step ever looks at."""
    (folder / "m.tflite").write_bytes(b"not looked at")
    (folder / "w.npz").write_bytes(b"neither")
    path = folder / "fake.toml"
    path.write_text(
        f"""schema = 1
name = "fake"
[[model]]
name = "m"
tflite = "m.tflite"
data = "w.npz"
[matrix]
boards = ["nucleo-l476rg"]
ram_budget = {budgets}
[limits]
{limits}
"""
    )
    return path


def spread(value: float) -> Spread:
    return Spread(count=4, first=value, min=value, median=value, p95=value, max=value)


def report_of_fake(job: Mapping[str, Any], *, mismatched: int = 0) -> Report:
    """MAE 1 BPM, as many instructions as 100 times the RAM budget."""
    budget = job["ram_budget"]
    nothing: dict[str, Any] = {"note": None}
    return Report(
        created="2026-01-02T03:04:05+00:00",
        board=job["board"],
        emulator=job["emulator"],
        port=job["port"] or "emulated",
        runtime=job["runtime"],
        device=parts.BoardFacts(
            id=job["board"],
            mcu="x",
            clock_hz=80_000_000,
            clock_hz_reached=80_000_000,
            counter="dwt",
            cpuid="0x410fc241",
            problems=(),
        ),
        model=parts.ModelFacts(
            name="m",
            sha256="0" * 64,
            macs=1,
            constant_bytes=1,
            input_bytes=1,
            output_bytes=1,
            operators=1,
        ),
        firmware=parts.FirmwareFacts(
            build_id="0", elf_sha256="0" * 64, compiler="gcc", platformio="6", flags=(), kernel_flags=()
        ),
        input=parts.InputFacts(
            file=job["data"], sha256=sha256_of_file(Path(job["data"])), windows=4, labelled=True
        ),
        outputs=parts.Outputs(
            golden="fake",
            compared=4,
            mismatched=mismatched,
            first_mismatch=parts.FirstMismatch(window=0, byte=0, expected=0, answered=1)
            if mismatched
            else None,
        ),
        accuracy=parts.Accuracy(
            mae_float=1.0,
            mae_int8=1.0,
            mae_device=1.0,
            mae_float_filtered=1.0,
            mae_int8_filtered=1.0,
            mae_device_filtered=1.0,
            **nothing,
        ),
        cost=parts.Cost(
            instructions=spread(100.0 * budget),
            instructions_source="fake",
            cycles_estimated=None,
            timing_model=None,
            cycles=None,
            latency_ms=None,
            by_operator=(),
            by_function=(),
            **nothing,
        ),
        memory=parts.Memory(
            arena=budget,
            stack_high_water=500,
            stack_reserved=1000,
            flash=10_000,
            flash_constants=1,
            flash_code=1,
            ram_static=budget + 100,
            flash_limit=1_000_000,
            ram_limit=100_000,
            by_part=(),
        ),
        link={},
        tool_versions={},
    )


def samples_of_fake(report: Report) -> Samples:
    """Answers of the fake, right or wrong as the report says."""
    right = np.zeros((report.outputs.compared, 1), np.int8)
    answered = right.copy()
    answered[: report.outputs.mismatched] = 1
    return Samples(y=answered, expected=right)
