"""Writes a program again, with some runs of steps computed piece by piece."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ppg_deploy.compile.pieces.area import (
    Area,
    Cut,
    Span,
    cut,
    input_images,
    output_image,
    whole_area,
)
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.steps import Image, Step
from ppg_deploy.errors import InternalError


class PaddingOnlyError(InternalError):
    """A piece would read nothing but padding, which no kernel does."""


def storage_images(program: Program) -> dict[str, Image]:
    """Rows, columns and channels by name of storage or view, for everything that pieces can be cut from."""
    images: dict[str, Image] = {}
    for step in program.steps:
        image = output_image(step, images)
        if image is None:
            continue
        for name, seen in zip(step.inputs, input_images(step, images), strict=True):
            # The caller's input and views of storage are what their first reader takes them for.
            images.setdefault(name, seen)
        images[step.output] = image
    return images


def is_cuttable(step: Step, images: Mapping[str, Image]) -> bool:
    """True when pieces of the step's output can be computed from pieces of its inputs."""
    if step.output not in images or output_image(step, images) != images[step.output]:
        return False
    seen = input_images(step, images)
    return all(images.get(name) == image for name, image in zip(step.inputs, seen, strict=True))


def last_reads(program: Program) -> dict[str, int]:
    """Number of the last step that reads each storage, or writes the program's output."""
    last: dict[str, int] = {}
    for number, step in enumerate(program.steps):
        for name in step.inputs:
            last[program.origin(name)] = number
    last[program.origin(program.output)] = len(program.steps)
    return last


class Rewriting:
    """The new program under construction.

    Steps are taken over in order: whole, or a run of steps for one area of its outputs after the other.

    Args:
        program: whose steps are taken over.
        input_name: of the new program's input, if it is another one.
    """

    def __init__(self, program: Program, *, input_name: str | None = None) -> None:
        self._program = program
        self._input = program.input if input_name is None else input_name
        self._images = storage_images(program)
        self._steps: list[Step] = []
        self._operators: list[int] = []
        self._views = dict(program.views)
        self._assembled = dict(program.assembled)

    def program(self) -> Program:
        """The program with all steps taken over so far."""
        return Program(
            steps=tuple(self._steps),
            input=self._input,
            output=self._program.output,
            views=self._views,
            operator_of=tuple(self._operators),
            assembled=self._assembled,
            kept=self._program.kept,
        )

    def take_over(self, number: int) -> None:
        """Step `number` as it is."""
        self._append(self._program.steps[number], number)

    def append(self, step: Step, operator: int) -> None:
        """A step that the program did not have, on behalf of an operator."""
        self._steps.append(step)
        self._operators.append(operator)

    def view(self, storage: str, first_byte: int) -> str:
        """The name of a storage from some byte on."""
        name = f"{storage} from byte {first_byte} on"
        self._views[name] = (storage, first_byte)
        return name

    def _append(self, step: Step, number: int) -> None:
        self.append(step, self._program.operator_of[number])

    def take_over_pieces(self, numbers: Sequence[int], outputs: Mapping[str, Iterable[Area]]) -> None:
        """Steps `numbers` for one tile after the other.

        Args:
            numbers: of steps that can be cut, in order.
            outputs: the storages that others read, and their areas, the same number for each; what no area of them
                needs is not computed.

        Raises:
            PaddingOnlyError: a piece lies in the padding entirely.
            InternalError: the values of a piece do not follow each other in memory (a bug of the caller).
        """
        for tile in zip(*outputs.values(), strict=True):
            self._tile(numbers, dict(zip(outputs, tile, strict=True)))

    def _tile(self, numbers: Sequence[int], areas: dict[str, Area]) -> None:
        wanted = frozenset(areas)
        cuts = pieces_of_tile(self._program, numbers, areas, self._images)
        names: dict[str, tuple[str, Area]] = {}
        for number, piece in cuts:
            step = self._program.steps[number]
            inputs = tuple(
                self._part(*self._source(name, names), need)
                for name, need in zip(step.inputs, piece.needs, strict=True)
            )
            output = self._target(step.output, areas[step.output], step.output in wanted, names)
            self._append(replace(piece.step, inputs=inputs, output=output), number)

    def _source(self, name: str, names: Mapping[str, tuple[str, Area]]) -> tuple[str, Area, int]:
        """(storage, its area, channels) that holds a tensor: a piece of this tile, or the whole."""
        image = self._images[name]
        storage, area = names.get(name, (name, whole_area(image)))
        return storage, area, image.channels

    def _target(self, name: str, area: Area, wanted: bool, names: dict[str, tuple[str, Area]]) -> str:
        image = self._images[name]
        if wanted:
            if area != whole_area(image) and name not in self._program.views:
                self._assembled[name] = image.size * self._itemsize
            return self._part(name, whole_area(image), image.channels, area)
        piece = f"{name} piece {len(self._steps)}"
        names[name] = (piece, area)
        self._images[piece] = area.image(image.channels)
        return piece

    def _part(self, storage: str, has: Area, channels: int, need: Area) -> str:
        """The name of the part `need` of a storage that holds the area `has`."""
        if need == has:
            return storage
        inside = Area(
            Span(need.rows.first - has.rows.first, need.rows.last - has.rows.first),
            Span(need.columns.first - has.columns.first, need.columns.last - has.columns.first),
        )
        whole = has.image(channels)
        if not inside.lies_in_one_piece(whole):
            raise InternalError(f"a piece of {storage} is scattered in memory", hint="report this model")
        origin, first = self._views.get(storage, (storage, 0))
        start = first + inside.first_value(whole) * self._itemsize
        name = f"{origin} from byte {start} on, {need.image(channels).size} values"
        self._views[name] = (origin, start)
        return name

    @property
    def _itemsize(self) -> int:
        return self._program.steps[0].codes.itemsize


def pieces_of_tile(
    program: Program, numbers: Sequence[int], areas: dict[str, Area], images: Mapping[str, Image]
) -> list[tuple[int, Cut]]:
    """The pieces that compute some areas, in order; `areas` receives those of everything in between.

    Raises:
        PaddingOnlyError: a piece lies in the padding entirely.
    """
    cuts: list[tuple[int, Cut]] = []
    for number in reversed(numbers):
        step = program.steps[number]
        if step.output not in areas:
            continue
        piece = cut(step, areas[step.output], images)
        if piece is None:
            raise PaddingOnlyError(f"a piece of {step.name} reads padding only", hint="report this model")
        cuts.append((number, piece))
        for name, need in zip(step.inputs, piece.needs, strict=True):
            areas[name] = areas[name].hull(need) if name in areas else need
    return cuts[::-1]
