"""Sliding windows: what successive windows share is kept, and only the rest is computed for each answer.

When a window moves on by `hop` samples, a layer's outputs move on by hop / (product of the strides so far) positions.
An output whose receptive field touches neither the new samples nor the padding at a border of the window is the same
number in both windows, because padding is written as the zero point and every kernel is exact. So some tensors are
kept between windows and moved, and of them only the positions at both ends are computed anew.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.compile.pieces.area import Area, Span
from ppg_deploy.compile.pieces.cutting import Rewriting, is_cuttable, storage_images
from ppg_deploy.compile.pieces.regions import live_outputs, rows_apart, split_rows
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.steps import (
    ConvolutionStep,
    CopyStep,
    DepthwiseStep,
    ElementwiseStep,
    Image,
    PadStep,
    PoolStep,
    Step,
)
from ppg_deploy.errors import InputError
from ppg_deploy.graph import DType

SAMPLES = "new samples"


@dataclass(frozen=True)
class SlidingProgram:
    """What a new stretch of samples makes the model compute.

    Attributes:
        program: reads `SAMPLES`, rows by `hop` columns by channels. Its first `receiving` steps move the window and
            append the samples; the others bring the kept tensors up to date and compute the answer.
        receiving: number of those steps.
        kept: bytes by name of what stays in the arena between answers: the window, and tensors that an ordinary run
            fills.
        hop: new columns per answer.
        window: rows, columns and channels.
        sample_bytes: of one stretch of samples.
        macs: multiply-accumulates of one answer.
    """

    program: Program
    receiving: int
    kept: Mapping[str, int]
    hop: int
    window: Image
    sample_bytes: int
    macs: int


@dataclass(frozen=True)
class _Motion:
    """How a tensor follows the window: it moves by `hop` columns; `inner` columns do not depend on the borders."""

    hop: int
    inner: Span

    def reused(self) -> Span:
        """Columns of the new window that the old window had, too."""
        return Span(self.inner.first, max(self.inner.first, self.inner.last - self.hop))


@dataclass(frozen=True)
class _Segment:
    """Steps `first` up to, not including, `last`, whose only output is kept."""

    first: int
    last: int
    output: str


def sliding_program(whole: Program, hop: int, *, macs_per_byte: float = math.inf) -> SlidingProgram:
    """The program of one answer, if `hop` new columns of samples have come since the last one.

    Args:
        whole: the program of a window.
        hop: new columns.
        macs_per_byte: multiply-accumulates per answer that a further byte of RAM must save. Infinity keeps the
            tensors behind which the model gets smaller, and no others.

    Raises:
        InputError: `hop` is not between 1 and the window's columns, or nothing can be kept with it.
    """
    images = storage_images(whole)
    image = images.get(whole.input)
    if image is None:
        raise InputError(
            "the model's first layer mixes the whole window, so successive windows share nothing",
            hint="build without --hop",
        )
    if not 1 <= hop <= image.columns:
        raise InputError(
            f"--hop {hop} is outside of 1 to {image.columns}, the samples of a window",
            hint="give the number of new samples per answer, e.g. 64 for 2 s at 32 Hz",
        )
    motions = _motions(whole, images, hop)
    segments = _segments(whole, images, motions)
    if not segments:
        raise InputError(
            f"no layer's outputs can be kept between windows that are {hop} samples apart",
            hint="strides and pools must divide the hop, and windows overlap more than the receptive field",
        )
    sliding = _program(whole, images, motions, segments, hop)
    further: frozenset[str] = frozenset()
    while not math.isinf(macs_per_byte):
        better = None
        for name in sorted(_could_be_kept(whole, segments, motions) - further):
            more = _segments(whole, images, motions, further | {name})
            candidate = _program(whole, images, motions, more, hop)
            added = sum(candidate.kept.values()) - sum(sliding.kept.values())
            gain = (sliding.macs - candidate.macs) / max(added, 1)
            if gain >= macs_per_byte and (better is None or gain > better[0]):
                better = gain, name, candidate
        if better is None:
            break
        further, sliding = further | {better[1]}, better[2]
    return sliding


def _could_be_kept(
    program: Program, segments: Sequence[_Segment], motions: Mapping[str, _Motion]
) -> frozenset[str]:
    return frozenset(
        step.output
        for segment in segments
        for step in program.steps[segment.first : segment.last - 1]
        if motions[step.output].reused().size > 0
    )


def _motions(program: Program, images: Mapping[str, Image], hop: int) -> dict[str, _Motion]:
    """Of the input and all tensors that move with the window, up to the first step that mixes all of its input."""
    motions = {program.input: _Motion(hop, Span(0, images[program.input].columns))}
    for number, step in enumerate(program.steps):
        mixes_rows = images.get(step.output, Image(1, 1, 1)).rows > 1 and not rows_apart(
            program, number, images
        )
        if mixes_rows or not is_cuttable(step, images) or any(name not in motions for name in step.inputs):
            break
        motion = _motion(step, tuple(motions[name] for name in step.inputs), images[step.output].columns)
        if motion is None:
            break
        motions[step.output] = motion
    return motions


def _motion(step: Step, inputs: tuple[_Motion, ...], columns: int) -> _Motion | None:
    """None when the outputs do not move by whole columns."""
    if isinstance(step, ConvolutionStep | DepthwiseStep | PoolStep):
        if step.target.rows == 1 and step.source.rows > 1:
            return None
        [source] = inputs
        window = step.window
        stride, before = window.stride[1], window.before[1]
        extent = (window.kernel[1] - 1) * window.dilation[1] + 1
        if source.hop % stride:
            return None
        first = -(-(source.inner.first + before) // stride)
        last = (source.inner.last + before - extent) // stride + 1
        return _Motion(source.hop // stride, Span(first, min(max(first, last), columns)))
    if isinstance(step, PadStep):
        [source] = inputs
        before = step.pads[1][0]
        return _Motion(source.hop, Span(source.inner.first + before, source.inner.last + before))
    if isinstance(step, ElementwiseStep) and any(
        operand.shape[2] != (1 if operand.data is not None else columns)
        for operand in (step.left, step.right)
    ):
        return None
    hops = {source.hop for source in inputs}
    if len(hops) != 1:
        return None
    first = max(source.inner.first for source in inputs)
    last = min(source.inner.last for source in inputs)
    return _Motion(hops.pop(), Span(first, max(first, last)))


def _segments(
    program: Program,
    images: Mapping[str, Image],
    motions: Mapping[str, _Motion],
    further: frozenset[str] = frozenset(),
) -> list[_Segment]:
    """Segments end where the tensors get smaller, at the last one that moves with the window, and at `further`."""
    moving = next(
        (number for number, step in enumerate(program.steps) if step.output not in motions),
        len(program.steps),
    )
    segments: list[_Segment] = []
    start, largest = 0, 0
    for number, step in enumerate(program.steps[:moving]):
        size = images[step.output].size
        ends_here = size < largest or number == moving - 1 or step.output in further
        if ends_here and live_outputs(program, start, number + 1) == [step.output]:
            if motions[step.output].reused().size == 0 or step.output == program.output:
                break
            segments.append(_Segment(start, number + 1, step.output))
            start, largest = number + 1, 0
        largest = max(largest, size)
    return segments


def _program(
    whole: Program,
    images: Mapping[str, Image],
    motions: Mapping[str, _Motion],
    segments: list[_Segment],
    hop: int,
) -> SlidingProgram:
    codes = whole.steps[0].codes
    window = images[whole.input]
    rewriting = Rewriting(whole, input_name=SAMPLES)
    stream = len(whole.steps)
    rewriting.append(_move(rewriting, whole.input, window, hop, codes), stream)
    stretch = Image(window.rows, hop, window.channels)
    for row in range(window.rows):
        rewriting.append(_receive(rewriting, whole.input, window, stretch, row, codes), stream)
    receiving = window.rows + 1
    for segment in segments:
        motion, image = motions[segment.output], images[segment.output]
        rewriting.append(_move(rewriting, segment.output, image, motion.hop, codes), stream)
        rewriting.take_over_pieces(
            range(segment.first, segment.last), {segment.output: _renewed(image, motion.reused())}
        )
    for number in range(segments[-1].last, len(whole.steps)):
        rewriting.take_over(number)
    kept = {whole.input: window.size * codes.itemsize}
    kept |= {segment.output: images[segment.output].size * codes.itemsize for segment in segments}
    program = split_rows(rewriting.program())
    return SlidingProgram(
        program=program,
        receiving=receiving,
        kept=kept,
        hop=hop,
        window=window,
        sample_bytes=stretch.size * codes.itemsize,
        macs=sum(step.macs for step in program.steps),
    )


def _renewed(image: Image, reused: Span) -> list[Area]:
    """Row by row, the columns on both sides of those that are reused."""
    spans = [Span(0, reused.first), Span(reused.last, image.columns)]
    return [Area(Span(row, row + 1), span) for row in range(image.rows) for span in spans if span.size > 0]


def _move(rewriting: Rewriting, storage: str, image: Image, hop: int, codes: DType) -> CopyStep:
    """All rows at once: what runs over a row's end is computed anew or received."""
    moved = image.size - hop * image.channels
    return CopyStep(
        operators=(),
        kind="MOVE",
        name=storage,
        inputs=(rewriting.view(storage, hop * image.channels * codes.itemsize),),
        output=rewriting.view(storage, 0),
        output_bytes=moved * codes.itemsize,
        codes=codes,
    )


def _receive(
    rewriting: Rewriting, storage: str, window: Image, stretch: Image, row: int, codes: DType
) -> CopyStep:
    size = stretch.columns * stretch.channels
    end = (row + 1) * window.columns * window.channels
    return CopyStep(
        operators=(),
        kind="RECEIVE",
        name=SAMPLES,
        inputs=(rewriting.view(SAMPLES, row * size * codes.itemsize),),
        output=rewriting.view(storage, (end - size) * codes.itemsize),
        output_bytes=size * codes.itemsize,
        codes=codes,
    )
