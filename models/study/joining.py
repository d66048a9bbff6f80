"""Errors and costs side by side, and which students nobody beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.study.costs import Cost
from models.study.summary import GroupSummary, Measure, Spread
from ppg_deploy.matrix.pareto import pareto_front


@dataclass(frozen=True)
class Joined:
    """A student of one strategy with what its network costs on one board at one level.

    Attributes:
        summary: of the errors.
        cost: figures, or the reason why there are none.
        on_front: no other student of the same board, level and timing model has at most its mean error and at most its
            cycles_estimated, and less of one of them. The front is of means: it says nothing about their spread.
    """

    summary: GroupSummary
    cost: Cost
    on_front: bool


def mean_error(summary: GroupSummary, measure: Measure) -> Spread:
    """The spread of the chosen error."""
    return summary.mae_int8 if measure == "mae_int8" else summary.mae_float


def join(
    summaries: Sequence[GroupSummary], costs: Sequence[Cost], measure: Measure = "mae_int8"
) -> tuple[Joined, ...]:
    """Every summary with every cost of its network, in the order of the summaries."""
    pairs = [(s, cost) for s in summaries for cost in costs if cost.student == s.student]
    groups: dict[tuple[str, str, str | None], list[tuple[int, float, float]]] = {}
    for index, (summary, cost) in enumerate(pairs):
        if cost.cycles_estimated is not None:
            group = groups.setdefault((cost.board, cost.optimize, cost.timing_model), [])
            group.append((index, mean_error(summary, measure).mean, cost.cycles_estimated))
    front = {
        members[place][0]
        for members in groups.values()
        for place in pareto_front([(error, cycles) for _, error, cycles in members])
    }
    return tuple(Joined(summary, cost, index in front) for index, (summary, cost) in enumerate(pairs))
