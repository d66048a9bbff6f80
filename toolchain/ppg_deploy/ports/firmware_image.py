"""The firmware's ELF file: what to load where, and which function an address belongs to."""

import bisect
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ppg_deploy.errors import InputError, InternalError


class Entry(StrEnum):
    """Functions that answer for a window: of a whole one, and of one that has moved on."""

    RUN = "ppg_model_run"
    PUSH = "ppg_model_push"

    @property
    def operator(self) -> str:
        """What the names of its operators' functions begin with."""
        return _OPERATORS[self]


_OPERATORS = {Entry.RUN: "ppg_model_op", Entry.PUSH: "ppg_model_push_op"}


@dataclass(frozen=True)
class Segment:
    """Bytes to load at a physical address."""

    address: int
    data: bytes


@dataclass(frozen=True, order=True)
class Function:
    """A function's code: [address, address + size_bytes), without the Thumb bit."""

    address: int
    size_bytes: int
    name: str


@dataclass(frozen=True)
class FirmwareImage:
    """An executable for a Cortex-M. `functions` is sorted by address."""

    path: Path
    segments: tuple[Segment, ...]
    functions: tuple[Function, ...]

    def read(self, address: int, size_bytes: int) -> bytes:
        """The loaded bytes at `address`.

        Raises:
            InternalError: the range is not inside one segment.
        """
        for segment in self.segments:
            offset = address - segment.address
            if offset >= 0 and offset + size_bytes <= len(segment.data):
                return segment.data[offset : offset + size_bytes]
        raise InternalError(
            f"{self.path} has nothing at {address:#010x}, where code was executed",
            hint="code in RAM cannot be profiled: keep the firmware's code in flash",
        )

    def function_at(self, address: int) -> str:
        """Name of the function at `address`; the address itself where the symbol table has none."""
        position = bisect.bisect_right(self.functions, address, key=lambda function: function.address) - 1
        if position >= 0:
            function = self.functions[position]
            if address < function.address + max(function.size_bytes, 2):
                return function.name
        return f"{address:#010x}"

    def function(self, name: str) -> Function | None:
        """The function called `name`."""
        return next((function for function in self.functions if function.name == name), None)

    def operators(self, entry: Entry) -> dict[int, tuple[Function, ...]]:
        """The functions of each of the operators that `entry` calls, by index: one, or one a piece.

        They are called `ppg_model_op_<index>` or `ppg_model_op_<index>_piece_<number>`, the index with three digits.
        """
        # The compiler may append ".constprop.0" or the like to a clone.
        operator = re.compile(rf"^{entry.operator}_(\d{{3,}})(?:_piece_\d+)?(\.|$)")
        found: dict[int, list[Function]] = {}
        for function in self.functions:
            match = operator.match(function.name)
            if match is not None:
                found.setdefault(int(match[1]), []).append(function)
        return {index: tuple(functions) for index, functions in found.items()}


def read_firmware_image(path: Path) -> FirmwareImage:
    """Load an ELF file.

    Raises:
        InputError: there is no such file, or it is not a 32-bit ARM executable.
    """
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    hint = "build the firmware first: ppg-deploy build"
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if elf["e_machine"] != "EM_ARM" or elf["e_type"] != "ET_EXEC":
                raise InputError(f"{path} is not an executable for ARM", hint=hint)
            segments = tuple(
                Segment(segment["p_paddr"], segment.data())
                for segment in elf.iter_segments("PT_LOAD")
                if segment["p_filesz"]
            )
            functions = {
                Function(symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
                for section in elf.iter_sections()
                if isinstance(section, SymbolTableSection)
                for symbol in section.iter_symbols()
                if symbol["st_info"]["type"] == "STT_FUNC"
            }
    except OSError as error:
        raise InputError(f"cannot read the firmware {path}: {error.strerror}", hint=hint) from error
    except ELFError as error:
        raise InputError(f"{path} is not an ELF file: {error}", hint=hint) from error
    return FirmwareImage(path, segments, tuple(sorted(functions)))
