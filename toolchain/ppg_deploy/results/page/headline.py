"""The headline table: one row a figure, one column a result."""

from collections.abc import Sequence
from dataclasses import dataclass

from ppg_deploy.report.schema import Outputs, Report
from ppg_deploy.report.spread import Spread

ABSENT = "\N{EN DASH}"


@dataclass(frozen=True)
class Row:
    """A figure of every result, as text; ABSENT where a result does not have it."""

    name: str
    cells: tuple[str, ...]


def headline(reports: Sequence[Report]) -> list[Row]:
    """Rows that at least one result fills."""
    columns = [_figures(report) for report in reports]
    rows = [Row(name, tuple(column[name] for column in columns)) for name in columns[0]]
    return [row for row in rows if any(cell != ABSENT for cell in row.cells)]


def column_names(reports: Sequence[Report]) -> list[str]:
    """A name for each result that says how it differs from the others, as far as board and build do."""
    names = [f"{report.model.name} on {report.board}" for report in reports]
    if len(set(names)) < len(names):
        names = [
            f"{name}, {r.runtime}, {r.firmware.optimize}" for name, r in zip(names, reports, strict=True)
        ]
    if len(set(names)) < len(names):
        names = [f"{name} ({report.created[:19]}Z)" for name, report in zip(names, reports, strict=True)]
    return names


def markdown_table(reports: Sequence[Report]) -> str:
    """The headline table in Markdown, for a paper or an issue."""
    lines = [
        f"| | {' | '.join(_escaped(name) for name in column_names(reports))} |",
        f"|---|{'---:|' * len(reports)}",
    ]
    lines += [f"| {row.name} | {' | '.join(map(_escaped, row.cells))} |" for row in headline(reports)]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("_", "\\_").replace("\n", " ")


def _figures(report: Report) -> dict[str, str]:
    cost, memory, accuracy = report.cost, report.memory, report.accuracy
    sliding = report.sliding
    conditions = report.conditions
    wait_states = None if conditions is None else conditions.flash_wait_states
    return {
        "Run by": source(report),
        "Chip, clock": f"{report.device.mcu}, {report.device.clock_hz_reached / 1e6:g} MHz",
        "Flash wait states": ABSENT if wait_states is None else str(wait_states),
        "Runtime, optimised for": f"{report.runtime}, {report.firmware.optimize}",
        "MAC per inference": f"{report.model.macs:,}",
        "Windows equal to the golden reference": equal(report.outputs),
        "MAE, BPM: float / quantised / device": _errors(
            accuracy.mae_float, accuracy.mae_int8, accuracy.mae_device
        ),
        "MAE after the post-filter, BPM": _errors(
            accuracy.mae_float_filtered, accuracy.mae_int8_filtered, accuracy.mae_device_filtered
        ),
        "Latency measured, ms: median / p95 / max": _spread(cost.latency_ms, ".3f"),
        "Cycles measured: median / p95 / max": _spread(cost.cycles, ",.0f"),
        "Instructions, exact: median": _median(cost.instructions),
        "Cycles estimated, not a latency: median": _median(cost.cycles_estimated),
        "Energy per inference measured, \N{MICRO SIGN}J: mean": ABSENT
        if report.energy is None
        else f"{report.energy.per_inference.mean_j * 1e6:,.1f}",
        "energy_estimated per inference, \N{MICRO SIGN}J": ABSENT
        if report.energy_estimated is None
        else f"{report.energy_estimated.energy_estimated_j * 1e6:,.0f}",
        "Instructions per push, exact: median": _median(
            None if sliding is None else sliding.cost.instructions
        ),
        "Latency per push measured, ms: median / p95 / max": _spread(
            None if sliding is None else sliding.cost.latency_ms, ".3f"
        ),
        "Flash, B": f"{memory.flash:,} of {memory.flash_limit:,}",
        "of it model constants, B": f"{memory.flash_constants:,}",
        "RAM static, B": f"{memory.ram_static:,} of {memory.ram_limit:,}",
        "of it arena, B": f"{memory.arena:,}",
        "Stack used, B": f"{memory.stack_high_water:,} of {memory.stack_reserved:,}",
        "RAM at its peak, B: static and stack used, no heap": f"{memory.ram_static + memory.stack_high_water:,}",
    }


def source(report: Report) -> str:
    """The board, or which emulator."""
    return f"the board, {report.port}" if report.emulator is None else f"emulator {report.port}"


def equal(outputs: Outputs) -> str:
    """How many windows are right."""
    return f"{outputs.compared - outputs.mismatched:,} of {outputs.compared:,}"


def _errors(*values: float | None) -> str:
    if all(value is None for value in values):
        return ABSENT
    return " / ".join(ABSENT if value is None else f"{value:.2f}" for value in values)


def _spread(spread: Spread | None, form: str) -> str:
    if spread is None:
        return ABSENT
    return " / ".join(format(value, form) for value in (spread.median, spread.p95, spread.max))


def _median(spread: Spread | None) -> str:
    return ABSENT if spread is None else f"{spread.median:,.0f}"
