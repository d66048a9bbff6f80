"""Runs of steps that can be computed one row, or one stretch of columns, after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

from ppg_deploy.compile.pieces.area import Area, Span, cut, whole_area
from ppg_deploy.compile.pieces.cutting import Rewriting, is_cuttable, last_reads, storage_images
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.steps import Image


@dataclass(frozen=True)
class Region:
    """Steps `first` up to, not including, `last`; `output` is the only thing of theirs that other steps read.

    `operators` are the numbers of the operators that the steps belong to: pieces of the same operators make regions
    of the same name.
    """

    first: int
    last: int
    output: str
    image: Image
    operators: tuple[int, ...]


def split_rows(program: Program) -> Program:
    """The program with every run of row-by-row steps computed depth first, row after row."""
    images = storage_images(program)
    pieces = {}
    for first, last in _row_runs(program, images).items():
        outputs = live_outputs(program, first, last)
        pieces[first] = (last, {name: _rows_of(images[name]) for name in outputs})
    return _with_pieces(program, pieces)


def _rows_of(image: Image) -> list[Area]:
    return [Area(Span(row, row + 1), Span(0, image.columns)) for row in range(image.rows)]


def _with_pieces(program: Program, pieces: Mapping[int, tuple[int, Mapping[str, list[Area]]]]) -> Program:
    """The program with runs of steps computed piece by piece: first step -> (end, areas of its outputs)."""
    rewriting = Rewriting(program)
    number = 0
    while number < len(program.steps):
        if number in pieces:
            first, (number, areas) = number, pieces[number]
            rewriting.take_over_pieces(range(first, number), areas)
        else:
            rewriting.take_over(number)
            number += 1
    return rewriting.program()


def _row_runs(program: Program, images: Mapping[str, Image]) -> dict[int, int]:
    """First step -> end of each run of two or more steps whose rows do not mix."""
    runs = {}
    start = 0
    while start < len(program.steps):
        end = start
        rows = None
        while end < len(program.steps) and rows_apart(program, end, images):
            own = images[program.steps[end].output].rows
            if rows is not None and own != rows:
                break
            rows, end = own, end + 1
        if end - start > 1:
            runs[start] = end
        start = max(end, start + 1)
    return runs


def rows_apart(program: Program, number: int, images: Mapping[str, Image]) -> bool:
    """True when each output row needs the input rows of its own number only, and there are several."""
    step = program.steps[number]
    if not is_cuttable(step, images) or step.output in program.views:
        return False
    image = images[step.output]
    if image.rows == 1:
        return False
    for row in range(image.rows):
        own = Span(row, row + 1)
        piece = cut(step, Area(own, Span(0, image.columns)), images)
        if piece is None or any(
            need.rows != own or need.columns.size != images[name].columns
            for name, need in zip(step.inputs, piece.needs, strict=True)
        ):
            return False
    return True


def live_outputs(program: Program, first: int, last: int) -> list[str]:
    """Outputs of steps `first` up to `last` that are read behind them, or by the caller."""
    reads = last_reads(program)
    return [
        step.output
        for step in program.steps[first:last]
        if step.output in program.kept or reads.get(program.origin(step.output), -1) >= last
    ]


def find_regions(program: Program) -> list[Region]:
    """Regions that hold something larger than what comes out of them: computing them in stretches saves memory."""
    images = storage_images(program)
    regions: list[Region] = []
    start = 0
    while start < len(program.steps):
        region = _region_from(program, start, images)
        if region is None:
            start += 1
        else:
            regions.append(region)
            start = region.last
    return regions


def _region_from(program: Program, start: int, images: Mapping[str, Image]) -> Region | None:
    largest = 0
    for number in range(start, len(program.steps)):
        step = program.steps[number]
        if not is_cuttable(step, images):
            return None
        size = images[step.output].size
        if images[step.output].rows > 1 or any(images[name].rows > 1 for name in step.inputs):
            return None
        if size < largest:
            outputs = live_outputs(program, start, number + 1)
            if outputs == [step.output]:
                operators = tuple(program.operator_of[start : number + 1])
                return Region(start, number + 1, step.output, images[step.output], operators)
        largest = max(largest, size)
    return None


def tiled(program: Program, regions: list[Region], tiles: Mapping[tuple[int, ...], int]) -> Program:
    """The program with each region computed in so many stretches; `tiles` is by the operators of a region."""
    pieces = {
        region.first: (region.last, {region.output: stretches(region.image, tiles[region.operators])})
        for region in regions
        if tiles.get(region.operators, 1) > 1
    }
    return _with_pieces(program, pieces)


def stretches(image: Image, count: int) -> list[Area]:
    """About `count` stretches of equal length that cover an image of one row."""
    length = -(-image.columns // count)
    return [
        Area(whole_area(image).rows, Span(first, min(first + length, image.columns)))
        for first in range(0, image.columns, length)
    ]
