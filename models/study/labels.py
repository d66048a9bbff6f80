"""Labels at points of a panel that do not lie on each other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

_FONT = 8
_MARK_PIXELS = 6.0
_GAP = 10.0
_RINGS = 7
# From the point to the label's near edge or centre: right, left, below, above and between, nearest first.
_DIRECTIONS = ((1, -1), (1, 1), (-1, -1), (-1, 1), (0, -1), (0, 1), (1, 0), (-1, 0))
_ALIGN = {1: "left", -1: "right", 0: "center"}
_UPRIGHT = {1: "bottom", -1: "top", 0: "center"}


def place_labels(
    figure: "Figure",
    panel: "Axes",
    places: Mapping[str, tuple[float, float]],
    marks: Sequence[tuple[float, float]],
) -> None:
    """Write each name near its place, where it covers no other name and no mark and stays in the panel.

    A name for which there is no such spot takes the one that covers least. A thin line leads to names further off.

    Args:
        figure: has a canvas.
        panel: of this figure; its limits must be final.
        places: name -> data coordinates.
        marks: data coordinates of everything that is to stay visible.
    """
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()
    frame = panel.get_window_extent()
    taken = [
        Bbox.from_extents(x - _MARK_PIXELS, y - _MARK_PIXELS, x + _MARK_PIXELS, y + _MARK_PIXELS)
        for x, y in (panel.transData.transform(mark) for mark in marks)
    ]
    for name, place in places.items():
        best: tuple[float, tuple[float, float], tuple[int, int]] | None = None
        for ring in range(1, _RINGS + 1):
            for direction in _DIRECTIONS:
                offset = (direction[0] * _GAP * ring, direction[1] * _GAP * ring)
                trial = _write(panel, name, place, offset, direction)
                box = trial.get_window_extent()
                trial.remove()
                covered = sum(_common_area(box, other) for other in taken) + _outside(box, frame)
                if best is None or covered < best[0]:
                    best = (covered, offset, direction)
            if best is not None and best[0] == 0.0:
                break
        assert best is not None
        label = _write(panel, name, place, best[1], best[2], leader=max(map(abs, best[1])) > _GAP)
        taken.append(label.get_window_extent())


def _write(
    panel: "Axes",
    name: str,
    place: tuple[float, float],
    offset: tuple[float, float],
    direction: tuple[int, int],
    *,
    leader: bool = False,
) -> "Annotation":
    return panel.annotate(
        name,
        place,
        textcoords="offset pixels",
        xytext=offset,
        fontsize=_FONT,
        horizontalalignment=_ALIGN[direction[0]],
        verticalalignment=_UPRIGHT[direction[1]],
        arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "#999999"} if leader else None,
        gid="label",
    )


def _common_area(one: "Bbox", other: "Bbox") -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(width, 0.0) * max(height, 0.0))


def _outside(box: "Bbox", frame: "Bbox") -> float:
    return float(box.width * box.height) - _common_area(box, frame)
