"""Operators, functions and parts of memory of two results side by side, largest change first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.comparison.metrics import change_of
from ppg_deploy.comparison.schema import Change, Figure, PartChange, ShareChange
from ppg_deploy.report.schema import MemoryPart, Share

FIGURES: tuple[Figure, ...] = ("ticks", "cycles_estimated", "instructions")
"""What shares are ranked by: the first that both results have. Measured, then estimated cycles, then instructions."""

_OPERATOR = re.compile(r"(\d+ \S+) \((.*)\)")
# What gcc appends to the name of a function that it specialised or cut in two; -O3 does that more often.
_CLONE = re.compile(r"(?:\.(?:constprop|isra|part|cold)(?:\.\d+)*)+$")


@dataclass(frozen=True)
class _Row:
    kernel: str | None
    values: Mapping[Figure, float]


def operator_keys(shares: Iterable[Share]) -> list[str]:
    """Index and kind of each operator, in order."""
    return [match[1] for share in shares if (match := _OPERATOR.fullmatch(share.name))]


def figures_of(a: Sequence[Share], b: Sequence[Share], blocked: frozenset[Figure]) -> tuple[Figure, ...]:
    """The figures that shares on both sides have and that may be compared, the one to rank by first."""
    return tuple(
        figure
        for figure in FIGURES
        if figure not in blocked
        and all(any(getattr(share, figure) is not None for share in side) for side in (a, b))
    )


def compare_operators(
    a: Sequence[Share], b: Sequence[Share], figures: Sequence[Figure]
) -> tuple[ShareChange, ...]:
    """Operators by index and kind; a kernel may be another one. `figures` is not empty."""
    return _changes(_rows(a, figures, _OPERATOR), _rows(b, figures, _OPERATOR), figures)


def compare_functions(
    a: Sequence[Share], b: Sequence[Share], figures: Sequence[Figure]
) -> tuple[ShareChange, ...]:
    """Functions by name, the compiler's clones of a function added to it. `figures` is not empty."""
    return _changes(_rows(a, figures, None), _rows(b, figures, None), figures)


def _rows(
    shares: Sequence[Share], figures: Sequence[Figure], operator: re.Pattern[str] | None
) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    for share in shares:
        match = None if operator is None else operator.fullmatch(share.name)
        key = _CLONE.sub("", share.name) if match is None else match[1]
        before = rows.get(key, _Row(None if match is None else match[2], {}))
        values = {
            figure: before.values.get(figure, 0.0) + (getattr(share, figure) or 0.0) for figure in figures
        }
        rows[key] = _Row(before.kernel, values)
    return rows


def _changes(a: dict[str, _Row], b: dict[str, _Row], figures: Sequence[Figure]) -> tuple[ShareChange, ...]:
    nothing = _Row(None, {})
    changes = []
    for key in dict.fromkeys((*a, *b)):
        first, second = a.get(key, nothing), b.get(key, nothing)
        by_figure: dict[Figure, Change] = {
            figure: change_of(first.values.get(figure, 0.0), second.values.get(figure, 0.0))
            for figure in figures
        }
        changes.append(
            ShareChange(
                name=key,
                kernel_a=first.kernel,
                kernel_b=second.kernel,
                instructions=by_figure.get("instructions"),
                cycles_estimated=by_figure.get("cycles_estimated"),
                ticks=by_figure.get("ticks"),
            )
        )
    return tuple(sorted(changes, key=lambda row: -abs(delta_of(row, figures[0]))))


def delta_of(row: ShareChange, figure: Figure) -> float:
    """The change of a figure; 0 where there is none."""
    change: Change | None = getattr(row, figure)
    return 0.0 if change is None else change.delta


def compare_parts(a: Sequence[MemoryPart], b: Sequence[MemoryPart]) -> tuple[PartChange, ...]:
    """Parts by name, the largest change of flash and RAM together first."""
    first, second = ({part.name: part for part in side} for side in (a, b))
    changes = []
    for name in dict.fromkeys((*first, *second)):
        nothing = MemoryPart(name=name, flash=0, ram=0)
        one, other = first.get(name, nothing), second.get(name, nothing)
        changes.append(
            PartChange(name=name, flash=change_of(one.flash, other.flash), ram=change_of(one.ram, other.ram))
        )
    return tuple(sorted(changes, key=lambda part: -(abs(part.flash.delta) + abs(part.ram.delta))))
