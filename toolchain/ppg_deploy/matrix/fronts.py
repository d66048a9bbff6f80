"""Which points are on which Pareto front."""

from collections.abc import Mapping, Sequence
from typing import get_args

from ppg_deploy.matrix.pareto import pareto_front
from ppg_deploy.matrix.schema import AccuracyAxis, Axis, Figures, Front, PointRow

AXES: tuple[Axis, ...] = get_args(Axis)


def accuracy_axis(rows: Sequence[PointRow]) -> AccuracyAxis | None:
    """The accuracy that all points have which have any: the error where there are labels, else the change by int8."""
    found = [row.figures for row in rows if row.figures is not None]
    if any(figures.mae_int8 is not None for figures in found):
        return "mae_int8"
    return "mean_abs_difference" if any(f.mean_abs_difference is not None for f in found) else None


def fronts_of(rows: Sequence[PointRow]) -> tuple[Front, ...]:
    """All fronts: of each cost that any point has, within the groups that can be compared."""
    accuracy = accuracy_axis(rows)
    if accuracy is None:
        return ()
    fronts = []
    for cost in AXES:
        for group, members in groups_of(rows, accuracy, cost).items():
            values = list(members.values())
            names = list(members)
            on_front = sorted(pareto_front(values), key=lambda index: values[index][1])
            fronts.append(
                Front(accuracy=accuracy, cost=cost, group=group, points=tuple(names[i] for i in on_front))
            )
    return tuple(fronts)


def groups_of(
    rows: Sequence[PointRow], accuracy: AccuracyAxis, cost: Axis
) -> Mapping[str, dict[str, tuple[float, float]]]:
    """Group -> id -> (accuracy, cost) of the points that have both."""
    groups: dict[str, dict[str, tuple[float, float]]] = {}
    for row in rows:
        if row.figures is None:
            continue
        error, price = getattr(row.figures, accuracy), getattr(row.figures, cost)
        if error is not None and price is not None:
            groups.setdefault(_group(row.figures, cost), {})[row.id] = (error, price)
    return groups


def _group(figures: Figures, cost: Axis) -> str:
    windows = f"windows {figures.data_sha256[:8]}"
    return (
        f"{windows}, {figures.timing_model}"
        if cost in ("cycles_estimated", "energy_estimated_uj")
        else windows
    )
