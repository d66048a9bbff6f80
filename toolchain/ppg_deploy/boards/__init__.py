"""Boards: board.toml files become frozen `Board` objects, found by id or alias."""

from ppg_deploy.boards.baud import with_baud
from ppg_deploy.boards.catalogue import list_boards, load_board, read_board
from ppg_deploy.boards.fields import Pin, parse_pin
from ppg_deploy.boards.schema import (
    Board,
    Bootloader,
    Clock,
    Core,
    Emulators,
    Flashing,
    Gate,
    MemoryRegion,
    Power,
    QemuEmulator,
    UnicornEmulator,
    Usb,
)
from ppg_deploy.boards.uart import NordicUarte, Stm32Usart, Uart

__all__ = [
    "Board",
    "Bootloader",
    "Clock",
    "Core",
    "Emulators",
    "Flashing",
    "Gate",
    "MemoryRegion",
    "NordicUarte",
    "Pin",
    "Power",
    "QemuEmulator",
    "Stm32Usart",
    "Uart",
    "UnicornEmulator",
    "Usb",
    "list_boards",
    "load_board",
    "parse_pin",
    "read_board",
    "with_baud",
]
