"""The headline figures of a result, by the names that a policy uses for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ppg_deploy.comparison.schema import Change, Unit
from ppg_deploy.report.schema import Report

MetricName = Literal[
    "mismatched_windows",
    "missing_windows",
    "mae_bpm",
    "mae_filtered_bpm",
    "instructions",
    "cycles_estimated",
    "cycles",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_max_ms",
    "push_mismatched_windows",
    "push_instructions",
    "push_cycles_estimated",
    "push_cycles",
    "push_latency_p50_ms",
    "push_latency_p99_ms",
    "flash_bytes",
    "flash_constants_bytes",
    "flash_code_bytes",
    "ram_static_bytes",
    "arena_bytes",
    "stack_high_water_bytes",
    "energy_per_inference_j",
    "energy_p95_j",
    "idle_current_a",
    "sleep_current_a",
    "average_power_w",
    "battery_life_hours",
    "energy_estimated_j",
]

Value = Callable[[Report], float | None]


@dataclass(frozen=True)
class Metric:
    """`value` is None where a result has no such figure; of a distribution it is the median or what the name says."""

    name: MetricName
    unit: Unit
    value: Value


def _at(path: str) -> Value:
    """The field at a dotted path; None as soon as an object on the way is absent."""

    def value(report: Report) -> float | None:
        found: Any = report
        for name in path.split("."):
            if found is None:
                return None
            found = getattr(found, name)
        return None if found is None else float(found)

    return value


METRICS: tuple[Metric, ...] = (
    Metric("mismatched_windows", "windows", _at("outputs.mismatched")),
    Metric("missing_windows", "windows", lambda report: float(len(report.missing))),
    Metric("mae_bpm", "BPM", _at("accuracy.mae_device")),
    Metric("mae_filtered_bpm", "BPM", _at("accuracy.mae_device_filtered")),
    Metric("instructions", "", _at("cost.instructions.median")),
    Metric("cycles_estimated", "", _at("cost.cycles_estimated.median")),
    Metric("cycles", "", _at("cost.cycles.median")),
    Metric("latency_p50_ms", "ms", _at("cost.latency_ms.median")),
    Metric("latency_p95_ms", "ms", _at("cost.latency_ms.p95")),
    Metric("latency_p99_ms", "ms", _at("cost.latency_ms.p99")),
    Metric("latency_max_ms", "ms", _at("cost.latency_ms.max")),
    Metric("push_mismatched_windows", "windows", _at("sliding.outputs.mismatched")),
    Metric("push_instructions", "", _at("sliding.cost.instructions.median")),
    Metric("push_cycles_estimated", "", _at("sliding.cost.cycles_estimated.median")),
    Metric("push_cycles", "", _at("sliding.cost.cycles.median")),
    Metric("push_latency_p50_ms", "ms", _at("sliding.cost.latency_ms.median")),
    Metric("push_latency_p99_ms", "ms", _at("sliding.cost.latency_ms.p99")),
    Metric("flash_bytes", "B", _at("memory.flash")),
    Metric("flash_constants_bytes", "B", _at("memory.flash_constants")),
    Metric("flash_code_bytes", "B", _at("memory.flash_code")),
    Metric("ram_static_bytes", "B", _at("memory.ram_static")),
    Metric("arena_bytes", "B", _at("memory.arena")),
    Metric("stack_high_water_bytes", "B", _at("memory.stack_high_water")),
    Metric("energy_per_inference_j", "J", _at("energy.per_inference.mean_j")),
    Metric("energy_p95_j", "J", _at("energy.per_inference.p95_j")),
    Metric("idle_current_a", "A", _at("energy.idle_current_a")),
    Metric("sleep_current_a", "A", _at("energy.sleep_current_a")),
    Metric("average_power_w", "W", _at("energy.average_power_w")),
    Metric("battery_life_hours", "h", _at("energy.battery.life_hours")),
    Metric("energy_estimated_j", "J", _at("energy_estimated.energy_estimated_j")),
)

PUSH: tuple[MetricName, ...] = tuple(metric.name for metric in METRICS if metric.name.startswith("push_"))
TIMES: tuple[MetricName, ...] = tuple(
    metric.name for metric in METRICS if metric.unit == "ms" or metric.name in ("cycles", "push_cycles")
)
"""Measured by the board's clock."""

BATTERY: tuple[MetricName, ...] = ("average_power_w", "battery_life_hours")
ENERGY: tuple[MetricName, ...] = (
    "energy_per_inference_j",
    "energy_p95_j",
    "idle_current_a",
    "sleep_current_a",
    *BATTERY,
)
"""Measured by an instrument."""


def change_of(a: float, b: float) -> Change:
    """From a to b."""
    return Change(a=a, b=b, delta=b - a, percent=None if a == 0 else 100.0 * (b - a) / a)
