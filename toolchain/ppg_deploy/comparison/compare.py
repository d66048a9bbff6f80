"""Two results become one comparison."""

from pathlib import Path

from ppg_deploy.comparison.comparable import (
    Block,
    blocks_between,
    differences_of,
    notes_of,
    reasons_against,
)
from ppg_deploy.comparison.metrics import METRICS, MetricName, change_of
from ppg_deploy.comparison.policy import Policy, judge
from ppg_deploy.comparison.schema import (
    Comparison,
    Figure,
    LeftOut,
    MetricChange,
    ResultFacts,
    ShareChange,
)
from ppg_deploy.comparison.shares import (
    compare_functions,
    compare_operators,
    compare_parts,
    figures_of,
    operator_keys,
)
from ppg_deploy.errors import NotComparableError, PolicyError
from ppg_deploy.report.schema import Report
from ppg_deploy.results import Result

# The headline metric that has the same source as a figure of the operators.
_METRIC_OF: dict[Figure, MetricName] = {
    "ticks": "cycles",
    "cycles_estimated": "cycles_estimated",
    "instructions": "instructions",
}


def compare_results(a: Result, b: Result, policy: tuple[Path, Policy] | None = None) -> Comparison:
    """B against A.

    Args:
        a: the result to compare with.
        b: the result in question.
        policy: thresholds, and the file they are from. Not held against results that are not comparable.
    """
    first, second = a.report, b.report
    reasons = reasons_against(first, second)
    frame = Comparison(a=_facts(a), b=_facts(b), reasons=reasons, differences=differences_of(first, second))
    if reasons:
        return frame
    blocks = tuple(blocks_between(first, second))
    metrics, left_out = _metrics(first, second, blocks)
    changes = {metric.name: metric.change for metric in metrics}
    ranked_by, operators, functions, shares_left_out = _shares(first, second, blocks)
    return frame.model_copy(
        update={
            "notes": notes_of(first, second),
            "metrics": metrics,
            "left_out": (*left_out, *shares_left_out),
            "shares_by": ranked_by,
            "operators": operators,
            "functions": functions,
            "memory_parts": compare_parts(first.memory.by_part, second.memory.by_part),
            "verdict": None
            if policy is None
            else judge(
                policy[1],
                str(policy[0]),
                changes,
                {name: row.why for row in reversed(left_out) for name in row.figures},
            ),
        }
    )


def _facts(result: Result) -> ResultFacts:
    report = result.report
    return ResultFacts(
        folder=str(result.folder),
        created=report.created,
        board=report.board,
        model=report.model.name,
        runtime=report.runtime,
        port=report.port,
    )


def _metrics(
    a: Report, b: Report, blocks: tuple[Block, ...]
) -> tuple[tuple[MetricChange, ...], tuple[LeftOut, ...]]:
    values = {metric.name: (metric.value(a), metric.value(b)) for metric in METRICS}
    in_both = {name for name, (one, other) in values.items() if one is not None and other is not None}
    blocked = {name for block in blocks for name in block.figures}
    metrics = []
    for metric in METRICS:
        one, other = values[metric.name]
        if one is not None and other is not None and metric.name not in blocked:
            metrics.append(MetricChange(name=metric.name, unit=metric.unit, change=change_of(one, other)))
    left_out = []
    for block in blocks:
        figures = tuple(name for name in block.figures if name in in_both)
        if figures:
            left_out.append(LeftOut(figures=figures, why=block.why))
    one_sided: dict[str, list[str]] = {}
    for name, (one, other) in values.items():
        if (one is None) != (other is None):
            has, lacks, report = ("B", "A", a) if one is None else ("A", "B", b)
            note = _why_absent(name, report)
            why = f"only {has} has it" + (f"; {lacks}: {note}" if note else "")
            one_sided.setdefault(why, []).append(name)
    left_out += [LeftOut(figures=tuple(names), why=why) for why, names in one_sided.items()]
    return tuple(metrics), tuple(left_out)


def _why_absent(name: str, report: Report) -> str | None:
    """What the result itself says of a figure that it lacks."""
    if name.startswith("mae_"):
        return report.accuracy.note
    if name.startswith(("instructions", "cycles", "latency")):
        return report.cost.note
    if name.startswith("push_") and report.sliding is not None:
        return report.sliding.cost.note
    return None


def _shares(
    a: Report, b: Report, blocks: tuple[Block, ...]
) -> tuple[Figure | None, tuple[ShareChange, ...], tuple[ShareChange, ...], tuple[LeftOut, ...]]:
    """What both are ranked by, operators, functions, and which of the two are left out."""
    # An emulator's ticks are no measurement: what they stand for is under instructions.
    blocked = frozenset(
        figure
        for figure, metric in _METRIC_OF.items()
        if any(metric in block.figures for block in blocks) or (figure == "ticks" and a.emulator is not None)
    )
    left_out = []
    operators: tuple[ShareChange, ...] = ()
    functions: tuple[ShareChange, ...] = ()
    figures = figures_of(a.cost.by_operator, b.cost.by_operator, blocked)
    function_figures = figures_of(a.cost.by_function, b.cost.by_function, blocked)
    if a.runtime != b.runtime and operator_keys(a.cost.by_operator) != operator_keys(b.cost.by_operator):
        why = f"the runtimes {a.runtime} and {b.runtime} execute other operators"
        left_out.append(LeftOut(figures=("operators",), why=why))
        figures = ()
    elif figures:
        operators = compare_operators(a.cost.by_operator, b.cost.by_operator, figures)
    elif a.cost.by_operator or b.cost.by_operator:
        left_out.append(LeftOut(figures=("operators",), why="no figure of them is in both and comparable"))
    if function_figures:
        functions = compare_functions(a.cost.by_function, b.cost.by_function, function_figures)
    elif a.cost.by_function or b.cost.by_function:
        left_out.append(LeftOut(figures=("functions",), why="no figure of them is in both and comparable"))
    ranked_by = next(iter((*figures, *function_figures)), None)
    return ranked_by, operators, functions, tuple(left_out)


def require_comparable(comparison: Comparison) -> None:
    """Raise NotComparableError when the comparison is none."""
    if comparison.reasons:
        raise NotComparableError(
            "the results are not comparable: "
            + "; ".join(f"{row.field}: {row.a} in A, {row.b} in B" for row in comparison.reasons),
            hint="bench both under the same conditions; docs/compare.md says which count",
        )


def require_within_policy(comparison: Comparison) -> None:
    """Raise PolicyError when a threshold is broken, or a figure of the policy absent."""
    verdict = comparison.verdict
    if verdict is not None and not verdict.passed:
        raise PolicyError(
            f"{verdict.policy}: " + "; ".join(check.problem for check in verdict.checks if check.problem),
            hint="find the cause in the tables, or change the policy",
        )
