"""The facts about a board that an emulator needs."""

from dataclasses import dataclass

from ppg_deploy.boards import Board


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
    is None for the core's own. `uart_interrupt` is the number of the console UART's interrupt.
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


def emulated_board(board: Board) -> EmulatedBoard:
    """The emulators' view of a board from the catalogue."""
    unicorn, qemu = board.emulators.unicorn, board.emulators.qemu
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
    )
