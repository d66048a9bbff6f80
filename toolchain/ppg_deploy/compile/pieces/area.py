"""Parts of an image, and what a step needs of its inputs to compute a part of its output."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ppg_deploy.compile.steps import (
    ConvolutionStep,
    DepthwiseStep,
    ElementwiseStep,
    Image,
    LookupStep,
    Operand,
    PadStep,
    PoolStep,
    Step,
    Window,
)


@dataclass(frozen=True)
class Span:
    """Indices from `first` up to, not including, `last`."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many indices."""
        return self.last - self.first

    def hull(self, other: "Span") -> "Span":
        """The smallest span that holds both."""
        return Span(min(self.first, other.first), max(self.last, other.last))


@dataclass(frozen=True)
class Area:
    """Some rows and some columns of an image, with all channels."""

    rows: Span
    columns: Span

    def hull(self, other: "Area") -> "Area":
        """The smallest area that holds both."""
        return Area(self.rows.hull(other.rows), self.columns.hull(other.columns))

    def image(self, channels: int) -> Image:
        """The area as an image of its own."""
        return Image(self.rows.size, self.columns.size, channels)

    def first_value(self, whole: Image) -> int:
        """Index of the area's first value in the whole image's values."""
        return (self.rows.first * whole.columns + self.columns.first) * whole.channels

    def lies_in_one_piece(self, whole: Image) -> bool:
        """True when the area's values follow each other in the whole image's memory."""
        return self.rows.size == 1 or self.columns == Span(0, whole.columns)


def whole_area(image: Image) -> Area:
    """Everything."""
    return Area(Span(0, image.rows), Span(0, image.columns))


@dataclass(frozen=True)
class Cut:
    """A step over a part of its output, and the part of each of its inputs that it reads, by position."""

    step: Step
    needs: tuple[Area, ...]


def output_image(step: Step, images: Mapping[str, Image]) -> Image | None:
    """Rows, columns and channels of what a step computes, as far as pieces can be cut from it.

    Args:
        step: any step.
        images: of the storage that earlier steps wrote.
    """
    if isinstance(step, ConvolutionStep | DepthwiseStep | PoolStep):
        return step.target
    if isinstance(step, ElementwiseStep):
        return Image(*step.shape[1:]) if step.shape[0] == 1 else None
    if isinstance(step, LookupStep):
        return images.get(step.inputs[0])
    if isinstance(step, PadStep):
        (top, bottom), (left, right), (front, back) = step.pads
        source = step.source
        return Image(
            top + source.rows + bottom, left + source.columns + right, front + source.channels + back
        )
    return None


def input_images(step: Step, images: Mapping[str, Image]) -> tuple[Image, ...]:
    """What a step takes each of its inputs for; only for steps that have an `output_image`."""
    if isinstance(step, ConvolutionStep | DepthwiseStep | PoolStep | PadStep):
        return (step.source,)
    if isinstance(step, ElementwiseStep):
        return tuple(Image(*operand.shape[1:]) for operand in _activations(step))
    return tuple(images[name] for name in step.inputs)


def cut(step: Step, area: Area, images: Mapping[str, Image]) -> Cut | None:
    """The piece of a step that computes `area` of its output.

    Returns:
        None when some window of the piece lies in the padding entirely.
    """
    for kind, make in _CUTS.items():
        if isinstance(step, kind):
            return make(step, area, images)
    return None


@dataclass(frozen=True)
class _Reach:
    """What windows see of one axis: the part inside, and how far they reach beyond it on both sides."""

    inside: Span
    before: int
    after: int


def _reach(span: Span, size: int, stride: int, extent: int, before: int) -> _Reach | None:
    """Of windows number `span`, `extent` wide and `stride` apart, the first of which starts at -before."""
    start = span.first * stride - before
    end = (span.last - 1) * stride - before + extent
    inside = Span(max(0, start), min(size, end))
    if inside.size <= 0:
        return None
    return _Reach(inside, inside.first - start, end - inside.last)


def _window_reach(window: Window, source: Image, area: Area) -> tuple[_Reach, _Reach] | None:
    reaches = [
        _reach(
            span,
            size,
            window.stride[axis],
            (window.kernel[axis] - 1) * window.dilation[axis] + 1,
            window.before[axis],
        )
        for axis, (span, size) in enumerate(
            ((area.rows, source.rows), (area.columns, source.columns)),
        )
    ]
    rows, columns = reaches
    return None if rows is None or columns is None else (rows, columns)


def _cut_window(step: Any, area: Area, images: Mapping[str, Image]) -> Cut | None:
    del images
    reach = _window_reach(step.window, step.source, area)
    if reach is None:
        return None
    rows, columns = reach
    need = Area(rows.inside, columns.inside)
    target = area.image(step.target.channels)
    piece = replace(
        step,
        source=need.image(step.source.channels),
        target=target,
        window=replace(step.window, before=(rows.before, columns.before), after=(rows.after, columns.after)),
        **_share(step, target.size, step.target.size),
    )
    return Cut(piece, (need,))


def _cut_pad(step: Any, area: Area, images: Mapping[str, Image]) -> Cut | None:
    del images
    rows = _reach(area.rows, step.source.rows, 1, 1, step.pads[0][0])
    columns = _reach(area.columns, step.source.columns, 1, 1, step.pads[1][0])
    if rows is None or columns is None:
        return None
    need = Area(rows.inside, columns.inside)
    channels = step.source.channels + sum(step.pads[2])
    piece = replace(
        step,
        source=need.image(step.source.channels),
        pads=((rows.before, rows.after), (columns.before, columns.after), step.pads[2]),
        **_share(step, area.image(channels).size, step.output_bytes // step.codes.itemsize),
    )
    return Cut(piece, (need,))


def _cut_elementwise(step: Any, area: Area, images: Mapping[str, Image]) -> Cut:
    del images
    shape = (1, area.rows.size, area.columns.size, step.shape[3])
    size = area.rows.size * area.columns.size * step.shape[3]
    piece = replace(
        step,
        left=_cut_operand(step.left, area),
        right=_cut_operand(step.right, area),
        shape=shape,
        **_share(step, size, step.output_bytes // step.codes.itemsize),
    )
    return Cut(piece, tuple(_broadcast_area(operand, area) for operand in _activations(step)))


def _activations(step: ElementwiseStep) -> tuple[Operand, ...]:
    return tuple(operand for operand in (step.left, step.right) if operand.data is None)


def _broadcast_area(operand: Operand, area: Area) -> Area:
    rows = Span(0, 1) if operand.shape[1] == 1 else area.rows
    columns = Span(0, 1) if operand.shape[2] == 1 else area.columns
    return Area(rows, columns)


def _cut_operand(operand: Operand, area: Area) -> Operand:
    own = _broadcast_area(operand, area)
    data = operand.data
    if data is not None:
        data = data.reshape(operand.shape)[
            :, own.rows.first : own.rows.last, own.columns.first : own.columns.last
        ]
    shape = (1, own.rows.size, own.columns.size, operand.shape[3])
    return Operand(shape, operand.zero, data)


def _cut_lookup(step: Any, area: Area, images: Mapping[str, Image]) -> Cut:
    whole = images[step.inputs[0]]
    piece = replace(step, **_share(step, area.image(whole.channels).size, whole.size))
    return Cut(piece, (area,))


def _share(step: Step, size: int, whole: int) -> dict[str, int]:
    return {"output_bytes": size * step.codes.itemsize, "macs": step.macs * size // whole}


_CUTS: dict[type[Step], Callable[[Any, Area, Mapping[str, Image]], Cut | None]] = {
    ConvolutionStep: _cut_window,
    DepthwiseStep: _cut_window,
    PoolStep: _cut_window,
    PadStep: _cut_pad,
    ElementwiseStep: _cut_elementwise,
    LookupStep: _cut_lookup,
}
