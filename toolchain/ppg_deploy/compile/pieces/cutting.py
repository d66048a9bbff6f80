"""Writes a program again, with some runs of steps computed piece by piece."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ppg_deploy.compile.pieces.area import (
    Area,
    Span,
    input_images,
    output_image,
    whole_area,
)
from ppg_deploy.compile.pieces.tiles import Part, Tile, plan_tiles
from ppg_deploy.compile.program import Program
from ppg_deploy.compile.steps import CopyStep, Image, Step
from ppg_deploy.errors import InternalError


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


@dataclass(frozen=True)
class _Place:
    """A storage, or a view, that holds an area of a tensor, and nothing else."""

    storage: str
    area: Area
    channels: int


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
        tiles = [dict(zip(outputs, tile, strict=True)) for tile in zip(*outputs.values(), strict=True)]
        planned = plan_tiles(self._program, numbers, tiles, self._images)
        for tile, following in zip(planned, [*planned[1:], {}], strict=True):
            self._take_over_tile(tile, following, frozenset(outputs))

    def _take_over_tile(self, tile: Tile, following: Tile, wanted: frozenset[str]) -> None:
        places: dict[str, _Place] = {}
        for name, part in tile.items():
            place = self._wanted_place(name, part) if name in wanted else self._piece_place(name, part)
            if name not in wanted:
                places[name] = place
                if part.carried is not None:
                    self._hand_on(part.number, self._carried_place(name, part.carried), place, part.carried)
            if part.piece is not None and part.fresh is not None:
                step = self._program.steps[part.number]
                inputs = tuple(
                    self._part(places.get(source) or self._whole_place(source), need)
                    for source, need in zip(step.inputs, part.piece.needs, strict=True)
                )
                output = self._part(place, part.fresh)
                self._append(replace(part.piece.step, inputs=inputs, output=output), part.number)
            next_part = following.get(name)
            if name not in wanted and next_part is not None and next_part.carried is not None:
                self._hand_on(
                    part.number, place, self._carried_place(name, next_part.carried), next_part.carried
                )

    def _whole_place(self, name: str) -> "_Place":
        image = self._images[name]
        return _Place(name, whole_area(image), image.channels)

    def _wanted_place(self, name: str, part: Part) -> "_Place":
        place = self._whole_place(name)
        if part.area != place.area and name not in self._program.views:
            self._assembled[name] = self._images[name].size * self._itemsize
        return place

    def _piece_place(self, name: str, part: Part) -> "_Place":
        channels = self._images[name].channels
        piece = f"{name} piece {len(self._steps)}"
        self._images[piece] = part.area.image(channels)
        if part.carried is not None:
            self._assembled[piece] = part.area.image(channels).size * self._itemsize
        return _Place(piece, part.area, channels)

    def _carried_place(self, name: str, area: Area) -> "_Place":
        """Where a tile leaves an area for the next one; the name says who wrote it, not which columns."""
        channels = self._images[name].channels
        storage = f"{name} carried"
        size = area.image(channels).size * self._itemsize
        self._assembled[storage] = max(size, self._assembled.get(storage, 0))
        return _Place(self.view(storage, 0), area, channels)

    def _hand_on(self, number: int, source: "_Place", target: "_Place", area: Area) -> None:
        step = self._program.steps[number]
        copy = CopyStep(
            operators=step.operators,
            kind=step.kind,
            name=step.name,
            inputs=(self._part(source, area),),
            output=self._part(target, area),
            output_bytes=area.image(source.channels).size * self._itemsize,
            codes=step.codes,
        )
        self._append(copy, number)

    def _part(self, place: "_Place", need: Area) -> str:
        """The name of the part `need` of what lies in a place."""
        has = place.area
        if need == has:
            return place.storage
        inside = Area(
            Span(need.rows.first - has.rows.first, need.rows.last - has.rows.first),
            Span(need.columns.first - has.columns.first, need.columns.last - has.columns.first),
        )
        whole = has.image(place.channels)
        if not inside.lies_in_one_piece(whole):
            raise InternalError(
                f"a piece of {place.storage} is scattered in memory", hint="report this model"
            )
        origin, first = self._views.get(place.storage, (place.storage, 0))
        start = first + inside.first_value(whole) * self._itemsize
        name = f"{origin} from byte {start} on, {need.image(place.channels).size} values"
        self._views[name] = (origin, start)
        return name

    @property
    def _itemsize(self) -> int:
        return self._program.steps[0].codes.itemsize
