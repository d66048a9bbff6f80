"""ppg-deploy compare."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppg_deploy.cli.console import Output, number
from ppg_deploy.cli.options import Json, Quiet, Verbose

if TYPE_CHECKING:
    from ppg_deploy.comparison import Change, Comparison, ShareChange

_DECIMALS = {"BPM": 3, "ms": 3, "h": 1, "windows": 0, "B": 0, "": 0}
# Joule, ampere and watt are small here: three digits after the point of the millionth.
_MICRO = {"J": "uJ", "A": "uA", "W": "uW"}
_TITLES = {"ticks": "measured ticks"}


def compare(
    a: Annotated[
        Path,
        typer.Argument(
            help="Result to compare with: a folder of OUT/results, its result.json, or OUT/report.json."
        ),
    ],
    b: Annotated[Path, typer.Argument(help="Result in question.")],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE.toml", help="Thresholds per figure.", show_default=False),
    ] = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=1, help="Rows of the tables of operators and functions.")
    ] = 10,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Compare result B with result A: figures, operators, functions and memory, largest change first.

    Exit code 11 when the results are not comparable, 12 when a threshold of the policy is broken.
    """
    from ppg_deploy import api
    from ppg_deploy.comparison import require_comparable, require_within_policy

    output = Output(quiet, verbose, as_json)
    comparison = api.compare(a, b, policy=policy)
    output.json(comparison.model_dump_json(indent=2))
    if output.is_human:
        _print(comparison, output, top)
    require_comparable(comparison)
    require_within_policy(comparison)
    if comparison.verdict is not None:
        output.note(f"{comparison.verdict.policy}: every threshold is kept")


def _print(comparison: "Comparison", output: Output, top: int) -> None:
    output.note(f"A: {comparison.a.folder}\nB: {comparison.b.folder}")
    if comparison.reasons:
        output.text_table(
            "not comparable",
            ("must not differ", "A", "B"),
            [(row.field, row.a, row.b) for row in comparison.reasons],
        )
    if comparison.differences:
        output.text_table(
            "what differs", ("", "A", "B"), [(row.field, row.a, row.b) for row in comparison.differences]
        )
    if comparison.reasons:
        return
    output.table(
        f"figures, {comparison.b.board}",
        ("", "A", "B", "change", "%"),
        [
            (f"{metric.name}{_unit(metric.unit)}", *_cells(metric.change, metric.unit))
            for metric in comparison.metrics
        ],
    )
    if comparison.shares_by is not None:
        _print_shares(comparison, output, top)
    parts = [
        part
        for part in comparison.memory_parts
        if output.verbose or part.flash.delta != 0 or part.ram.delta != 0
    ]
    if parts:
        output.table(
            "memory, B",
            ("part", "flash A", "flash B", "change", "RAM A", "RAM B", "change"),
            [(part.name, *_cells(part.flash, "B")[:3], *_cells(part.ram, "B")[:3]) for part in parts],
        )
    for row in comparison.left_out:
        output.note(f"left out: {', '.join(row.figures)}: {row.why}")
    for note in comparison.notes:
        output.note(f"note: {note}")
    if comparison.verdict is not None:
        output.text_table(
            f"policy {comparison.verdict.policy}",
            ("figure", "rule", "limit", "found", ""),
            [
                (
                    check.metric,
                    check.rule,
                    f"{check.limit:g}",
                    "-" if check.found is None else f"{check.found:.6g}",
                    "kept" if check.passed else "ABSENT" if check.found is None else "BROKEN",
                )
                for check in comparison.verdict.checks
            ],
        )


def _print_shares(comparison: "Comparison", output: Output, top: int) -> None:
    for title, rows in (("operators", comparison.operators), ("functions", comparison.functions)):
        changed = [row for row in rows if any(change.delta for _, change in _figures(row))]
        shown = rows if output.verbose else changed[:top]
        if not rows:
            continue
        if not shown:
            output.note(f"{title}: none changed")
            continue
        # All rows have the same figures.
        names = [name for name, _ in _figures(shown[0])]
        output.table(
            f"{title}, largest change of {_TITLES.get(names[0], names[0])} first",
            (
                title[:-1],
                "A",
                "B",
                "change",
                "%",
                *(f"change of {_TITLES.get(name, name)}" for name in names[1:]),
            ),
            [
                (
                    _name(row),
                    *_cells(_figures(row)[0][1], ""),
                    *(_cells(change, "")[2] for _, change in _figures(row)[1:]),
                )
                for row in shown
            ],
        )
        if len(shown) < len(rows):
            output.note(
                f"{len(changed) - len(shown)} {title} more changed, {len(rows) - len(changed)} did not"
            )


def _figures(row: "ShareChange") -> "list[tuple[str, Change]]":
    """The figures of a row, the one it is ranked by first."""
    found = (
        ("ticks", row.ticks),
        ("cycles_estimated", row.cycles_estimated),
        ("instructions", row.instructions),
    )
    return [(name, change) for name, change in found if change is not None]


def _name(row: "ShareChange") -> str:
    """The name, with the kernel of an operator: both when there is another one now."""
    if row.kernel_a == row.kernel_b:
        return f"{row.name} {row.kernel_a}" if row.kernel_a else row.name
    return f"{row.name} {row.kernel_a or '(none)'} -> {row.kernel_b or '(none)'}"


def _unit(unit: str) -> str:
    return f", {_MICRO.get(unit, unit)}" if unit and unit != "windows" else ""


def _cells(change: "Change", unit: str) -> Sequence[str]:
    """A, B, change with its sign, and percent of A."""
    factor, decimals = (1e6, 3) if unit in _MICRO else (1.0, _DECIMALS[unit])
    delta = change.delta * factor
    percent = "" if change.percent is None or not delta else f"{change.percent:+.2f}"
    return (
        number(change.a * factor, decimals),
        number(change.b * factor, decimals),
        f"{delta:+,.{decimals}f}" if delta else "0",
        percent,
    )
