"""Flash and RAM of an image, by section and by part, against the board's limits.

Section sizes come from the ELF file, their division into parts from the linker's map and the symbol of the arena. The
parts always add up to the sections: what the map does not explain is shown as the part "unattributed".
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ppg_deploy.boards import Board, MemoryRegion
from ppg_deploy.building.linker_map import FILL, Contribution, read_map
from ppg_deploy.errors import InternalError

MODEL_CONSTANTS = "model constants"
MODEL_CODE = "model code"
KERNELS = "runtime kernels"
INTERPRETER = "interpreter"
APPLICATION = "application and protocol"
BOARD_SUPPORT = "board support"
C_LIBRARY = "C library"
ARENA = "arena"
BUFFERS = "buffers"
STACK = "reserved stack"
ALIGNMENT = "alignment"
OTHER = "other"
UNATTRIBUTED = "unattributed"

PARTS = (
    MODEL_CONSTANTS,
    MODEL_CODE,
    KERNELS,
    INTERPRETER,
    APPLICATION,
    BOARD_SUPPORT,
    C_LIBRARY,
    ARENA,
    BUFFERS,
    STACK,
    ALIGNMENT,
    OTHER,
    UNATTRIBUTED,
)

GAPS = "(between sections)"

_CONSTANTS_SECTION = ".model_constants"
_STACK_SECTION = ".stack"

# Folder of the project -> what its flash and its RAM are counted as.
_FOLDER_PARTS = {
    "src/runtime/": (KERNELS, BUFFERS),
    "src/app/": (APPLICATION, BUFFERS),
    "src/protocol/": (APPLICATION, BUFFERS),
    "src/eembc/": (APPLICATION, BUFFERS),
    "src/bsp/": (BOARD_SUPPORT, BOARD_SUPPORT),
    "src/model/": (MODEL_CODE, BUFFERS),
    # with the runtime tflm: its adapter, kernels and everything else of it
    "src/tflm/": (INTERPRETER, INTERPRETER),
    "library_objects/tensorflow/lite/micro/kernels/": (KERNELS, BUFFERS),
    "library_objects/tensorflow/lite/kernels/": (KERNELS, BUFFERS),
    "library_objects/third_party/": (KERNELS, BUFFERS),
    "library_objects/": (INTERPRETER, INTERPRETER),
}


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Usage(_Record):
    """Bytes of one section or part. Initialised data counts in both: its values lie in flash, itself in RAM."""

    name: str
    flash_bytes: int
    ram_bytes: int


class Limits(_Record):
    """What the board has: the flash region of the image, the RAM region of data, arena and stack."""

    flash_region: str
    flash_bytes: int
    ram_region: str
    ram_bytes: int


class SizeReport(_Record):
    """Contents of size.json. All sizes in bytes."""

    flash_bytes: int
    """The whole image: equal to the size of firmware.bin."""
    flash_constants_bytes: int
    """Model constants."""
    flash_code_bytes: int
    """Everything else in flash: code, its own constants, initial values, padding."""
    ram_bytes: int
    """Everything reserved in RAM, stack included."""
    ram_static_bytes: int
    """Everything reserved in RAM but the stack; the arena is part of it."""
    arena_bytes: int
    stack_reserved_bytes: int
    by_part: tuple[Usage, ...]
    by_section: tuple[Usage, ...]
    limits: Limits


@dataclass(frozen=True)
class _Section:
    name: str
    address: int
    size_bytes: int
    load_address: int | None
    """Where its contents lie in flash; None when it has none there."""
    in_ram: bool


@dataclass(frozen=True)
class _Image:
    sections: tuple[_Section, ...]
    arena_address: int
    arena_bytes: int


def _kind_at(board: Board, address: int) -> str | None:
    for region in board.memory:
        if region.origin <= address < region.origin + region.size_bytes:
            return region.kind
    return None


def _load_address(elf: Any, section: Any) -> int:
    """Physical address of a section, from the segment that loads it (ELF specification, part 2)."""
    for segment in elf.iter_segments("PT_LOAD"):
        if segment.section_in_segment(section):
            return int(segment["p_paddr"] + section["sh_addr"] - segment["p_vaddr"])
    return int(section["sh_addr"])


def _read_sections(elf: Any, board: Board) -> tuple[_Section, ...]:
    allocated = 0x2
    sections = []
    for section in elf.iter_sections():
        if not section["sh_flags"] & allocated or not section["sh_size"]:
            continue
        kind = _kind_at(board, section["sh_addr"])
        if kind is None:
            raise InternalError(
                f"section {section.name} at 0x{section['sh_addr']:08x} lies outside every memory of {board.id}",
                hint="compare the linker script with board.toml",
            )
        has_contents = section["sh_type"] != "SHT_NOBITS"
        sections.append(
            _Section(
                name=section.name,
                address=section["sh_addr"],
                size_bytes=section["sh_size"],
                load_address=_load_address(elf, section) if has_contents else None,
                in_ram=kind == "ram",
            )
        )
    return tuple(sections)


def _read_image(elf_path: Path, board: Board, arena_symbol: str) -> _Image:
    from elftools.elf.elffile import ELFFile

    with elf_path.open("rb") as stream:
        elf = ELFFile(stream)
        symbols = elf.get_section_by_name(".symtab").get_symbol_by_name(arena_symbol) or []
        arena = [(symbol["st_value"], symbol["st_size"]) for symbol in symbols]
        return _Image(_read_sections(elf, board), *(arena[0] if arena else (0, 0)))


def _part(contribution: Contribution, section: _Section, *, of_flash: bool) -> str:
    source = contribution.source
    if source == FILL:
        return ALIGNMENT
    if of_flash and "src/model/" in source and (section.name == _CONSTANTS_SECTION or section.in_ram):
        return MODEL_CONSTANTS
    for folder, (flash_part, ram_part) in _FOLDER_PARTS.items():
        if folder in source:
            return flash_part if of_flash else ram_part
    return C_LIBRARY if ".a(" in source else OTHER


def _split_section(
    section: _Section, contributions: list[Contribution], image: _Image, *, of_flash: bool
) -> dict[str, int]:
    """Bytes of one section by part; always adds up to the section's size."""
    if section.name == _STACK_SECTION:
        return {STACK: section.size_bytes}
    parts: dict[str, int] = defaultdict(int)
    for contribution in contributions:
        part = _part(contribution, section, of_flash=of_flash)
        end = contribution.address + contribution.size_bytes
        holds_arena = bool(image.arena_bytes) and contribution.address <= image.arena_address < end
        arena_bytes = image.arena_bytes if holds_arena and not of_flash else 0
        parts[ARENA] += arena_bytes
        parts[part] += contribution.size_bytes - arena_bytes
    parts[UNATTRIBUTED] += section.size_bytes - sum(parts.values())
    return parts


def _gap_bytes(extents: list[tuple[int, int]], region: MemoryRegion) -> int:
    """Bytes of `region` between its start and the end of the last extent (address, size) that no extent covers."""
    inside = [(at, size) for at, size in extents if region.origin <= at < region.origin + region.size_bytes]
    end = max((at + size for at, size in inside), default=region.origin)
    return end - region.origin - sum(size for _, size in inside)


def _gaps(sections: tuple[_Section, ...], board: Board) -> Usage:
    """Alignment between sections, which no section counts."""
    loaded = [(s.load_address, s.size_bytes) for s in sections if s.load_address is not None]
    placed = [(s.address, s.size_bytes) for s in sections if s.in_ram]
    return Usage(
        name=GAPS,
        flash_bytes=_gap_bytes(loaded, board.code_memory),
        ram_bytes=_gap_bytes(placed, board.data_memory),
    )


def measure_size(*, elf_path: Path, map_path: Path, board: Board, arena_symbol: str) -> SizeReport:
    """Flash and RAM of the image `elf_path`.

    Args:
        elf_path: the linked image.
        map_path: GNU ld's map of the same link.
        board: gives the memories and their limits.
        arena_symbol: C symbol of the model's arena; absent from the image when the model needs none.

    Raises:
        InternalError: a section lies outside the board's memories.
    """
    image = _read_image(elf_path, board, arena_symbol)
    by_output: dict[str, list[Contribution]] = defaultdict(list)
    for contribution in read_map(map_path.read_text(encoding="utf-8", errors="replace")):
        by_output[contribution.output_section].append(contribution)

    flash_parts: dict[str, int] = defaultdict(int)
    ram_parts: dict[str, int] = defaultdict(int)
    usages = []
    for section in image.sections:
        contributions = by_output[section.name]
        if section.load_address is not None:
            for part, count in _split_section(section, contributions, image, of_flash=True).items():
                flash_parts[part] += count
        if section.in_ram:
            for part, count in _split_section(section, contributions, image, of_flash=False).items():
                ram_parts[part] += count
        usages.append(
            Usage(
                name=section.name,
                flash_bytes=section.size_bytes if section.load_address is not None else 0,
                ram_bytes=section.size_bytes if section.in_ram else 0,
            )
        )
    gaps = _gaps(image.sections, board)
    usages.append(gaps)
    flash_parts[ALIGNMENT] += gaps.flash_bytes
    ram_parts[ALIGNMENT] += gaps.ram_bytes

    flash_bytes = sum(usage.flash_bytes for usage in usages)
    ram_bytes = sum(usage.ram_bytes for usage in usages)
    return SizeReport(
        flash_bytes=flash_bytes,
        flash_constants_bytes=flash_parts[MODEL_CONSTANTS],
        flash_code_bytes=flash_bytes - flash_parts[MODEL_CONSTANTS],
        ram_bytes=ram_bytes,
        ram_static_bytes=ram_bytes - ram_parts[STACK],
        arena_bytes=ram_parts[ARENA],
        stack_reserved_bytes=ram_parts[STACK],
        by_part=tuple(
            Usage(name=part, flash_bytes=flash_parts[part], ram_bytes=ram_parts[part])
            for part in PARTS
            if flash_parts[part] or ram_parts[part]
        ),
        by_section=tuple(usages),
        limits=Limits(
            flash_region=board.code_memory.name,
            flash_bytes=board.code_memory.size_bytes,
            ram_region=board.data_memory.name,
            ram_bytes=board.data_memory.size_bytes,
        ),
    )
