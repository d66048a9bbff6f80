"""Which points nobody beats."""

from collections.abc import Sequence


def pareto_front(points: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """Indices, in order, of the points that no other point dominates. Less is better in every coordinate.

    A point dominates another when it is nowhere worse and somewhere better: equal points do not dominate each other,
    and both can be on the front.

    Args:
        points: finite coordinates, as many for each point.
    """
    return tuple(
        index for index, point in enumerate(points) if not any(_dominates(other, point) for other in points)
    )


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
