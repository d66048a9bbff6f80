"""The Pareto front, worked by hand, and what may be compared with what."""

from typing import Any

from ppg_deploy.matrix import Figures, Front, PointRow, pareto_front
from ppg_deploy.matrix.fronts import fronts_of

# On squared paper, (error, cost), less is better:
#   A (1, 9)  cheapest of those with error 1        front
#   B (2, 5)                                        front
#   C (2, 7)  B has the same error for 5            beaten
#   D (3, 5)  B has less error at the same cost     beaten
#   E (4, 2)                                        front
#   F (4, 2)  equal to E: neither beats the other   front
#   G (5, 3)  E is better in both                   beaten
#   H (9, 1)  worst error, lowest cost              front
PAPER = {
    "A": (1.0, 9.0),
    "B": (2.0, 5.0),
    "C": (2.0, 7.0),
    "D": (3.0, 5.0),
    "E": (4.0, 2.0),
    "F": (4.0, 2.0),
    "G": (5.0, 3.0),
    "H": (9.0, 1.0),
}


def test_front_worked_by_hand() -> None:
    names = list(PAPER)
    assert [names[index] for index in pareto_front(list(PAPER.values()))] == ["A", "B", "E", "F", "H"]


def test_front_of_three_costs() -> None:
    """(1,2,3) beats (1,2,4) and (2,2,3); (3,1,3) costs more of one and less of another."""
    assert pareto_front([(1, 2, 4), (1, 2, 3), (2, 2, 3), (3, 1, 3)]) == (1, 3)


def test_front_of_one_and_of_none() -> None:
    assert pareto_front([(1.0, 1.0)]) == (0,)
    assert pareto_front([]) == ()


FIGURES = Figures(
    windows=4,
    data_sha256="a" * 64,
    mae_float=1.0,
    mae_int8=2.0,
    mae_float_filtered=None,
    mae_int8_filtered=None,
    mean_abs_difference=None,
    gate=None,
    instructions=None,
    cycles_estimated=None,
    timing_model=None,
    latency_ms=None,
    energy_estimated_uj=None,
    flash=100,
    flash_limit=1000,
    ram=100,
    ram_limit=1000,
    arena=10,
)


def row(name: str, **figures: Any) -> PointRow:
    return PointRow(
        id=name,
        model="m",
        board="b",
        runtime="aot",
        optimize="speed",
        hop=None,
        ram_budget=None,
        status="done",
        error=None,
        folder=name,
        result=None,
        wall_s=1.0,
        figures=FIGURES.model_copy(update=figures),
    )


def front(fronts: tuple[Front, ...], cost: str) -> list[tuple[str, ...]]:
    return [front.points for front in fronts if front.cost == cost]


def test_front_of_the_paper_in_flash() -> None:
    rows = [row(name, mae_int8=error, flash=int(cost)) for name, (error, cost) in PAPER.items()]
    # Cheapest first; A, B, E, F and H as above. RAM is 100 for all: least error wins.
    assert front(fronts_of(rows), "flash") == [("H", "E", "F", "B", "A")]
    assert front(fronts_of(rows), "ram") == [("A",)]
    assert front(fronts_of(rows), "latency_ms") == []


def test_different_windows_are_not_compared() -> None:
    """B is worse in everything, but on other windows."""
    rows = [row("A", mae_int8=1.0, flash=1), row("B", mae_int8=2.0, flash=2, data_sha256="b" * 64)]
    assert front(fronts_of(rows), "flash") == [("A",), ("B",)]


def test_estimates_of_different_timing_models_are_not_compared() -> None:
    rows = [
        row("A", cycles_estimated=10.0, timing_model="one", instructions=10.0),
        row("B", cycles_estimated=20.0, timing_model="other", instructions=20.0),
    ]
    assert front(fronts_of(rows), "cycles_estimated") == [("A",), ("B",)]
    assert front(fronts_of(rows), "instructions") == [("A",)]


def test_without_labels_the_change_counts() -> None:
    rows = [
        row("A", mae_int8=None, mean_abs_difference=0.5, flash=9),
        row("B", mae_int8=None, mean_abs_difference=0.4, flash=5),
        row("C", mae_int8=None, mean_abs_difference=None, flash=1),
    ]
    fronts = fronts_of(rows)
    assert {front.accuracy for front in fronts} == {"mean_abs_difference"}
    assert front(fronts, "flash") == [("B",)]


def test_failed_points_are_on_no_front() -> None:
    failed = row("A").model_copy(update={"figures": None, "status": "failed"})
    assert fronts_of([failed]) == ()
    assert front(fronts_of([failed, row("B")]), "flash") == [("B",)]
