"""The facts about a board that an emulator needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ppg_deploy.boards import Board, board_file

RENODE_PLATFORM = "renode.repl"
"""File in a board's folder that describes the board for Renode."""


@dataclass(frozen=True)
class EmulatedMemory:
    """One contiguous memory of the chip; `is_flash` ones cannot be written by the program."""

    origin: int
    size_bytes: int
    is_flash: bool


@dataclass(frozen=True)
class EmulatedBoard:
    """A board as the emulators see it.

    `register_model` names an entry of `chip_model.DESCRIPTIONS`, None when unicorn has no model of this chip.
    `qemu_machine`, `qemu_serial` (index of the `-serial` option that is the console UART) and `systick_hz` (rate of
    QEMU's SysTick) are None when QEMU has no model of the board. The first flash holds the vector table. `timing_model`
    is None for the core's own. `uart_interrupt` is the number of the console UART's interrupt. `renode_uart` is the
    console's name in `renode_platform`; None when Renode has no model of the board, and `renode_platform` is None when
    that file is missing.
    """

    id: str
    cpu: str
    memory: tuple[EmulatedMemory, ...]
    uart_base: int
    register_model: str | None
    qemu_machine: str | None
    qemu_serial: int | None
    systick_hz: int | None
    timing_model: str | None = None
    uart_interrupt: int | None = None
    renode_uart: str | None = None
    renode_platform: Path | None = None


def emulated_board(board: Board, *, boards_dirs: Sequence[Path] = ()) -> EmulatedBoard:
    """The emulators' view of a board from the catalogue; `boards_dirs` as the board was loaded with."""
    unicorn, qemu, renode = board.emulators.unicorn, board.emulators.qemu, board.emulators.renode
    return EmulatedBoard(
        id=board.id,
        cpu=board.core.cpu,
        memory=tuple(
            EmulatedMemory(region.origin, region.size_bytes, region.kind == "flash")
            for region in board.memory
        ),
        uart_base=board.uart.base,
        uart_interrupt=board.uart.interrupt,
        register_model=None if unicorn is None else unicorn.model,
        timing_model=None if unicorn is None else unicorn.timing_model,
        qemu_machine=None if qemu is None else qemu.machine,
        qemu_serial=None if qemu is None else qemu.serial,
        systick_hz=None if qemu is None else qemu.systick_hz,
        renode_uart=None if renode is None else renode.uart,
        renode_platform=board_file(board.id, RENODE_PLATFORM, boards_dirs=boards_dirs),
    )
