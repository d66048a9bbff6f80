"""Results of benches with round figures, as if an emulator or a board had given them."""

from pathlib import Path
from typing import Any

import numpy as np

from ppg_deploy.report.schema import Report
from ppg_deploy.results import Result, Samples, write_result

MODEL, OTHER_MODEL = "a" * 64, "b" * 64
WINDOWS, OTHER_WINDOWS = "c" * 64, "d" * 64


def spread(median: float, count: int = 16) -> dict[str, Any]:
    """A distribution whose p95 is 1.1, p99 1.2 and maximum 1.5 times its median."""
    return {
        "count": count,
        "first": 2 * median,
        "min": 0.9 * median,
        "median": median,
        "p95": 1.1 * median,
        "p99": 1.2 * median,
        "max": 1.5 * median,
    }


def share(
    name: str, instructions: float | None, cycles: float | None, ticks: float | None = None
) -> dict[str, Any]:
    """A row of by_operator or by_function."""
    return {
        "name": name,
        "macs": None,
        "instructions": instructions,
        "cycles_estimated": cycles,
        "ticks": ticks,
    }


def _cost(**fields: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        (
            "instructions",
            "instructions_source",
            "cycles_estimated",
            "timing_model",
            "cycles",
            "latency_ms",
            "note",
        )
    )
    return {**nothing, "by_operator": [], "by_function": [], **fields}


def emulated(**changes: Any) -> Report:
    """A result of unicorn; `changes` by dotted path, the dots spelt as two underscores."""
    outputs = {"golden": "tflite-micro 1", "compared": 4, "mismatched": 0, "first_mismatch": None}
    fields: dict[str, Any] = {
        "created": "2026-11-22T06:00:00+00:00",
        "board": "nucleo-l476rg",
        "emulator": "unicorn",
        "port": "unicorn 2.1.3",
        "runtime": "aot",
        "device": {
            "id": "nucleo-l476rg",
            "mcu": "stm32l476rgt6",
            "clock_hz": 80_000_000,
            "clock_hz_reached": 80_000_000,
            "counter": "dwt",
            "cpuid": "0x410fc241",
            "problems": [],
        },
        "conditions": {
            "clock_source": "HSI16",
            "clock_settings": {"flash_wait_states": 4},
            "flash_wait_states": 4,
            "caches": "on",
            "flash_banks": None,
        },
        "model": {
            "name": "student",
            "sha256": MODEL,
            "macs": 1000,
            "constant_bytes": 500,
            "input_bytes": 8,
            "output_bytes": 2,
            "operators": 3,
        },
        "firmware": {
            "build_id": "1" * 64,
            "elf_sha256": "2" * 64,
            "compiler": "gcc 12",
            "platformio": "6",
            "flags": ["-O2", "-g"],
            "kernel_flags": ["-O2"],
        },
        "input": {"file": "/data/test.npz", "sha256": WINDOWS, "windows": 4, "labelled": True},
        "outputs": outputs,
        "accuracy": {
            "mae_float": 3.9,
            "mae_int8": 4.0,
            "mae_device": 4.0,
            "mae_float_filtered": 2.9,
            "mae_int8_filtered": 3.0,
            "mae_device_filtered": 3.0,
            "note": None,
        },
        "cost": _cost(
            instructions=spread(1000),
            instructions_source="unicorn 2.1.3, exact block counts of 16 inferences",
            cycles_estimated=spread(1200),
            timing_model="model-v1",
            by_operator=[
                share("000 CONV_2D (conv_kronecker)", 600, 700),
                share("001 AVERAGE_POOL_2D (pool_rows)", 300, 350),
                share("002 FULLY_CONNECTED (dense)", 90, 130),
                share("run", 10, 20),
            ],
            by_function=[share("sum_up", 700, 800), share("ppg_copy", 250, 340), share("start", 50, 60)],
        ),
        "sliding": {
            "hop": 64,
            "macs": 200,
            "kept_bytes": 100,
            "answers": 4,
            "restarts": 1,
            "outputs": outputs,
            "cost": _cost(
                instructions=spread(200),
                instructions_source="unicorn 2.1.3",
                cycles_estimated=spread(250),
                timing_model="model-v1",
            ),
        },
        "energy_estimated": {
            "energy_estimated_j": 0.001,
            "cycles": 1200,
            "cycles_source": "cycles_estimated",
            "timing_model": "model-v1",
            "clock_hz": 80_000_000,
            "supply_v": 3.3,
            "run_current_a": 0.01,
            "current_conditions": "25 C",
            "current_source": "data sheet",
            "current_verified": False,
            "assumptions": [],
        },
        "memory": {
            "arena": 4000,
            "stack_high_water": 400,
            "stack_reserved": 4096,
            "flash": 50_000,
            "flash_constants": 30_000,
            "flash_code": 20_000,
            "ram_static": 8000,
            "flash_limit": 1_048_576,
            "ram_limit": 98_304,
            "by_part": [
                {"name": "model constants", "flash": 30_000, "ram": 0},
                {"name": "runtime kernels", "flash": 12_000, "ram": 0},
                {"name": "C library", "flash": 8000, "ram": 100},
                {"name": "arena", "flash": 0, "ram": 4000},
            ],
        },
        "link": {},
        "tool_versions": {"ppg-deploy": "0.1.0"},
    }
    return _with(fields, changes)


def measured(**changes: Any) -> Report:
    """A result of a board with an instrument; `changes` as for `emulated`."""
    by_board: dict[str, Any] = {
        "emulator": None,
        "port": "/dev/ttyACM0",
        "cost": _cost(
            cycles=spread(8000),
            latency_ms=spread(0.1),
            by_operator=[
                share("000 CONV_2D (conv_kronecker)", None, None, 5000),
                share("001 AVERAGE_POOL_2D (pool_rows)", None, None, 2000),
            ],
        ),
        "sliding__cost": _cost(cycles=spread(1600), latency_ms=spread(0.02)),
        "energy_estimated__cycles_source": "cycles",
        "energy_estimated__timing_model": None,
        "energy": {
            "per_inference": {
                "mean_j": 0.0005,
                "p95_j": 0.0006,
                "min_j": 0.0004,
                "max_j": 0.0007,
                "ci95_low_j": None,
                "ci95_high_j": None,
                "mean_power_w": 0.03,
            },
            "idle_current_a": 0.005,
            "sleep_current_a": 0.001,
            "interval_s": 2.0,
            "average_power_w": 0.004,
            "battery": {"capacity_mah": 100.0, "usable_fraction": 0.8, "life_hours": 70.0},
            "instrument": {
                "name": "Nordic PPK2",
                "details": "",
                "port": "/dev/ttyACM1",
                "mode": "source",
                "voltage_v": 3.0,
                "voltage_measured": False,
                "sample_hz": 100_000.0,
                "loss_check": "counter",
            },
            "gates": {
                "method": "digital input",
                "input": 0,
                "expected": 10,
                "used": 10,
                "left_out_lost": 0,
                "left_out_odd": 0,
                "left_out_partial": 0,
                "glitches": 0,
                "inferences_per_gate": 5,
                "gate_s": 0.02,
                "edge_uncertainty_s": 0.00001,
                "samples": 1000,
                "samples_lost": 0,
            },
            "notes": [],
        },
    }
    return emulated(**{**by_board, **changes})


def _with(fields: dict[str, Any], changes: dict[str, Any]) -> Report:
    for path, value in changes.items():
        *folders, name = path.split("__")
        place = fields
        for folder in folders:
            # Objects may be shared: by the outputs of whole and sliding windows, for one.
            place[folder] = dict(place[folder])
            place = place[folder]
        place[name] = value
    return Report.model_validate(fields)


def written(root: Path, report: Report) -> Path:
    """Folder of the report as a result, with answers that are all zero."""
    answers = np.zeros((report.outputs.compared, report.model.output_bytes), np.int8)
    return write_result(root, report, Samples(y=answers, expected=answers))


def result(report: Report) -> Result:
    """The report as a result that was read from a folder."""
    answers = np.zeros((report.outputs.compared, report.model.output_bytes), np.int8)
    return Result(Path("results"), report, Samples(y=answers, expected=answers), None)
