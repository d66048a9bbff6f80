"""Pictures as SVG inside a page: axes, lines, bars and dots. Colours are classes of the page's style sheet."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

_GAP = 6.0
_identifiers = itertools.count()


@dataclass(frozen=True)
class Scale:
    """Maps `low`..`high` of the data to `first`..`last` of the picture."""

    low: float
    high: float
    first: float
    last: float

    def __call__(self, value: float) -> float:
        """The coordinate of `value`."""
        return self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first)


def widened(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """A little more than low..high on both sides; never of zero width."""
    margin = (high - low) * share or abs(high) * share or 1.0
    return low - margin, high + margin


def ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """About `wanted` round numbers within low..high: steps of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def plain(value: float) -> str:
    """A tick's label: thousands separators, no needless zeros."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{round(value, 6):g}"


@dataclass
class Picture:
    """A picture of `width` x `height` units that grows. `title` and `description` are what a screen reader reads."""

    width: float
    height: float
    title: str
    description: str
    _parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        """A straight line of the style `kind`."""
        self._parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A line through `points`."""
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(f'<polyline class="{kind}" points="{text}"/>')

    def dots(self, points: Sequence[tuple[float, float]], kind: str, radius: float = 2.2) -> None:
        """Dots in one path element: strokes of no length with round ends."""
        text = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in points)
        self._parts.append(f'<path class="dots {kind}" stroke-width="{2 * radius:g}" d="{text}"/>')

    def box(self, x: float, y: float, width: float, height: float, kind: str, hover: str = "") -> None:
        """A rectangle; `hover` is its tool tip."""
        tip = f"<title>{escape(hover)}</title>" if hover else ""
        self._parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" '
            f'height="{max(height, 0.0):.1f}">{tip}</rect>'
        )

    def text(self, x: float, y: float, text: str, kind: str = "label", anchor: str = "start") -> None:
        """Text whose baseline begins, is centred or ends (`anchor`) at the point."""
        self._parts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def x_axis(
        self,
        scale: Scale,
        bottom: float,
        top: float,
        label: str,
        marks: Sequence[float] | None = None,
        write: Callable[[float], str] = plain,
    ) -> None:
        """Grid lines from `bottom` up to `top`, their numbers, and what they mean."""
        for mark in ticks(scale.low, scale.high) if marks is None else marks:
            self.line(scale(mark), bottom, scale(mark), top, "grid")
            self.text(scale(mark), bottom + 18, write(mark), "tick", "middle")
        self.line(scale.first, bottom, scale.last, bottom, "axis")
        self.text((scale.first + scale.last) / 2, bottom + 38, label, "label", "middle")

    def y_axis(self, scale: Scale, left: float, right: float, label: str) -> None:
        """Grid lines from `left` to `right`, their numbers, and above the axis what they mean."""
        for mark in ticks(scale.low, scale.high, 5):
            self.line(left, scale(mark), right, scale(mark), "grid")
            self.text(left - _GAP, scale(mark) + 4, plain(mark), "tick", "end")
        self.text(left - _GAP, scale.last - 12, label, "label", "start")

    def markup(self) -> Markup:
        """The picture as an element of a page; its ids are unlike those of all others."""
        number = next(_identifiers)
        return Markup(
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" aria-labelledby="t{number} d{number}">'
            f'<title id="t{number}">{escape(self.title)}</title>'
            f'<desc id="d{number}">{escape(self.description)}</desc>{"".join(self._parts)}</svg>'
        )
