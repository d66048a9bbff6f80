"""Boards: board.toml files become frozen `Board` objects, found by id or alias."""

from ppg_deploy.boards.catalogue import list_boards, load_board, read_board
from ppg_deploy.boards.schema import (
    Board,
    Clock,
    Core,
    Emulators,
    Flashing,
    MemoryRegion,
    Pin,
    Power,
    QemuEmulator,
    Uart,
    UnicornEmulator,
    Usb,
    parse_pin,
)

__all__ = [
    "Board",
    "Clock",
    "Core",
    "Emulators",
    "Flashing",
    "MemoryRegion",
    "Pin",
    "Power",
    "QemuEmulator",
    "Uart",
    "UnicornEmulator",
    "Usb",
    "list_boards",
    "load_board",
    "parse_pin",
    "read_board",
]
