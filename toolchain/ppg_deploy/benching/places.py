"""Names for addresses of code: the function by the symbol table, file and line by the debug information."""

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from ppg_deploy.ports.firmware_image import FirmwareImage, read_firmware_image

_CLONE = re.compile(r"\.(constprop|isra|part|cold|lto_priv)\b.*")
"""What gcc appends to the names of copies that it makes of a function."""
_CALL_BYTES = 2
"""A return address lies behind the call; any address inside the call has its line."""
_FIRST_EXCEPTION_RETURN = 0xFFFF_FF00
"""Armv7-M Architecture Reference Manual, B1.5.8: link register values from 0xFFFFFF.. on leave an exception."""


@dataclass(frozen=True)
class _Row:
    """Code from `address` on was compiled from this line."""

    address: int
    file: str
    line: int
    ends: bool


@dataclass(frozen=True)
class _Inlined:
    """A copy of the function `name` inside others, at [low, high)."""

    low: int
    high: int
    name: str


class CodePlaces:
    """The addresses of one firmware. The ELF file is read when the first one is asked for.

    Raises:
        InputError: by its methods, when the file is gone or is no firmware.
    """

    def __init__(self, elf: Path) -> None:
        self._elf = elf

    def name(self, address: int) -> str:
        """ "ppg_conv_run (src/runtime/ppg_conv.c:123)", with the functions it was inlined into; the bare address where
        nothing is known about it."""
        address &= ~1
        function = _CLONE.sub("", self._image.function_at(address))
        inlined = self._inlined_at(address)
        where = self._line(address)
        place = f" ({where})" if where else ""
        if not inlined:
            return f"{function}{place}"
        return f"{inlined[-1]}{place}, inlined into {', '.join([*reversed(inlined[:-1]), function])}"

    def caller(self, program_counter: int, link_register: int) -> str | None:
        """Where the function at `program_counter` was called from, as far as the link register still tells.

        None when the register holds no return address, or one inside the function itself: it has called others since.
        """
        if link_register >= _FIRST_EXCEPTION_RETURN or link_register == 0:
            return None
        call = (link_register & ~1) - _CALL_BYTES
        function = self._image.function_at(call)
        if function.startswith("0x") or function == self._image.function_at(program_counter & ~1):
            return None
        return self.name(call)

    @cached_property
    def _image(self) -> FirmwareImage:
        return read_firmware_image(self._elf)

    @cached_property
    def _debug(self) -> tuple[tuple[_Row, ...], tuple[_Inlined, ...]]:
        from elftools.elf.elffile import ELFFile

        rows: list[_Row] = []
        inlined: list[_Inlined] = []
        with self._elf.open("rb") as stream:
            elf = ELFFile(stream)
            if elf.has_dwarf_info():
                information = elf.get_dwarf_info()
                for unit in information.iter_CUs():
                    rows += _rows(information, unit)
                    inlined += _inlined(information, unit)
        # A sequence that ends where another begins says nothing about that address.
        rows.sort(key=lambda row: (row.address, not row.ends))
        return tuple(rows), tuple(inlined)

    def _line(self, address: int) -> str | None:
        rows = self._debug[0]
        position = bisect.bisect_right(rows, address, key=lambda row: row.address) - 1
        if position < 0 or rows[position].ends:
            return None
        return f"{rows[position].file}:{rows[position].line}"

    def _inlined_at(self, address: int) -> list[str]:
        """Names of inlined functions around `address`, the outermost one first."""
        around = [copy for copy in self._debug[1] if copy.low <= address < copy.high]
        return [copy.name for copy in sorted(around, key=lambda copy: copy.low - copy.high)]


def _rows(information: Any, unit: Any) -> Iterator[_Row]:
    program = information.line_program_for_CU(unit)
    if program is None:
        return
    names = _file_names(program)
    for entry in program.get_entries():
        state = entry.state
        # The linker gives code that it left out the address 0.
        if state is None or (state.line == 0 and not state.end_sequence):
            continue
        yield _Row(state.address, names.get(state.file, "?"), state.line, state.end_sequence)


def _file_names(program: Any) -> dict[int, str]:
    """Paths as the compiler was given them, by number. Version 5 counts files and folders from 0, older ones from 1."""
    header = program.header
    is_old = header["version"] < 5
    folders = [folder.decode(errors="replace") for folder in header["include_directory"]]
    if is_old:
        folders.insert(0, "")
    names = {}
    for number, file in enumerate(header["file_entry"], start=1 if is_old else 0):
        folder = folders[file.dir_index] if file.dir_index < len(folders) else ""
        # "./src/app" and "src/app" are the same folder.
        names[number] = (PurePosixPath(folder) / file.name.decode(errors="replace")).as_posix()
    return names


def _inlined(information: Any, unit: Any) -> Iterator[_Inlined]:
    for entry in unit.iter_DIEs():
        if entry.tag != "DW_TAG_inlined_subroutine":
            continue
        name = _origin_name(entry)
        for low, high in _ranges(information, unit, entry):
            yield _Inlined(low, high, name)


def _origin_name(entry: Any) -> str:
    while "DW_AT_name" not in entry.attributes:
        link = next((key for key in _ORIGINS if key in entry.attributes), None)
        if link is None:
            return "a function without a name"
        entry = entry.get_DIE_from_attribute(link)
    name: bytes = entry.attributes["DW_AT_name"].value
    return name.decode(errors="replace")


_ORIGINS = ("DW_AT_abstract_origin", "DW_AT_specification")


def _ranges(information: Any, unit: Any, entry: Any) -> Iterator[tuple[int, int]]:
    from elftools.dwarf.descriptions import describe_form_class
    from elftools.dwarf.ranges import BaseAddressEntry

    attributes = entry.attributes
    if "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        is_address = describe_form_class(high.form) == "address"
        yield low, high.value if is_address else low + high.value
    elif "DW_AT_ranges" in attributes:
        lists = information.range_lists()
        top = unit.get_top_DIE().attributes
        base = top["DW_AT_low_pc"].value if "DW_AT_low_pc" in top else 0
        for piece in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, cu=unit):
            if isinstance(piece, BaseAddressEntry):
                base = piece.base_address
            elif getattr(piece, "is_absolute", False):
                yield piece.begin_offset, piece.end_offset
            else:
                yield base + piece.begin_offset, base + piece.end_offset
