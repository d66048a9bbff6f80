"""What each tile of a run of steps computes, and what it takes over from the tile before it.

Windows of neighbouring tiles overlap. The overlap of an intermediate result is not computed twice: the tile that has
it first hands it on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.compile.pieces.area import Area, Cut, Span, cut
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.steps import Image
from ppg_deploy.errors import InternalError


class PaddingOnlyError(InternalError):
    """A piece would read nothing but padding, which no kernel does."""


@dataclass(frozen=True)
class Part:
    """What a tile needs of one step's output.

    `carried` is the beginning of `area` that the tile before has; `fresh` is the rest, None when nothing is left, and
    `piece` computes it.
    """

    number: int
    area: Area
    carried: Area | None
    fresh: Area | None
    piece: Cut | None


# By name of the step's output, in the order of the steps.
Tile = Mapping[str, Part]


def plan_tiles(
    program: Program,
    numbers: Sequence[int],
    tiles: Sequence[Mapping[str, Area]],
    images: Mapping[str, Image],
) -> list[Tile]:
    """Parts of each tile.

    Args:
        program: the steps.
        numbers: of the steps, in order.
        tiles: areas of the wanted outputs by name, one tile after the other.
        images: of all storage.

    Raises:
        PaddingOnlyError: a piece lies in the padding entirely.
    """
    planned: list[Tile] = []
    for tile in tiles:
        planned.append(_plan_tile(program, numbers, tile, planned[-1] if planned else {}, images))
    return planned


def _plan_tile(
    program: Program,
    numbers: Sequence[int],
    wanted: Mapping[str, Area],
    before: Tile,
    images: Mapping[str, Image],
) -> Tile:
    areas = dict(wanted)
    parts: list[tuple[str, Part]] = []
    for number in reversed(numbers):
        step = program.steps[number]
        area = areas.get(step.output)
        if area is None:
            continue
        carried = _overlap(before[step.output].area, area) if step.output in before else None
        fresh = _rest(area, carried)
        piece = None
        if fresh is not None:
            piece = cut(step, fresh, images)
            if piece is None:
                raise PaddingOnlyError(f"a piece of {step.name} reads padding only", hint="report this model")
            for name, need in zip(step.inputs, piece.needs, strict=True):
                areas[name] = areas[name].hull(need) if name in areas else need
        parts.append((step.output, Part(number, area, carried, fresh, piece)))
    return dict(reversed(parts))


def _overlap(before: Area, area: Area) -> Area | None:
    """The first columns of `area`, as far as a tile that ends further left has them."""
    first = area.columns.first
    one_row = before.rows == area.rows and area.rows.size == 1
    if not one_row or not before.columns.first <= first < before.columns.last:
        return None
    return Area(area.rows, Span(first, min(before.columns.last, area.columns.last)))


def _rest(area: Area, carried: Area | None) -> Area | None:
    if carried is None:
        return area
    columns = Span(carried.columns.last, area.columns.last)
    return Area(area.rows, columns) if columns.size else None
