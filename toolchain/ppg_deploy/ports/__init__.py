"""Ports: a real serial port or an emulator, opened as the same kind of stream. See docs/emulators.md."""

from collections.abc import Callable
from pathlib import Path

from ppg_deploy.errors import InputError
from ppg_deploy.ports.connection import CodePlace, Connection, InstructionCounter
from ppg_deploy.ports.emulated_board import EmulatedBoard, EmulatedMemory, emulated_board
from ppg_deploy.ports.firmware_image import Entry
from ppg_deploy.ports.serial_port import open_serial
from ppg_deploy.timing import TimingModel, timing_model_for


def _open_unicorn(elf: Path, board: EmulatedBoard, timing_model: TimingModel | None) -> Connection:
    from ppg_deploy.ports.unicorn_port import open_unicorn

    return open_unicorn(elf, board, timing_model)


def _open_qemu(elf: Path, board: EmulatedBoard, _timing_model: TimingModel | None) -> Connection:
    from ppg_deploy.ports.qemu_port import open_qemu

    return open_qemu(elf, board)


EMULATORS: dict[str, Callable[[Path, EmulatedBoard, TimingModel | None], Connection]] = {
    "unicorn": _open_unicorn,
    "qemu": _open_qemu,
}


def open_emulator(
    name: str, *, elf: Path, board: EmulatedBoard, timing_model: str | None = None
) -> Connection:
    """Start the firmware `elf` on an emulated `board`; `emulated_board` makes that from one of the catalogue.

    Args:
        name: one of EMULATORS.
        elf: the firmware.
        board: what to emulate.
        timing_model: for the cycles of counted inferences (unicorn); by default the board's, else its core's.

    Raises:
        InputError: there is no emulator or timing model of this name, or `elf` is missing, unreadable or for another
            board.
        EnvironmentProblem: the emulator's package or program is not installed, or it has no model of the board.
    """
    if name not in EMULATORS:
        raise InputError(f"unknown emulator {name!r}", hint=f"choose one of: {', '.join(EMULATORS)}")
    model = timing_model_for(board.cpu, timing_model or board.timing_model)
    return EMULATORS[name](elf, board, model)


__all__ = [
    "EMULATORS",
    "CodePlace",
    "Connection",
    "EmulatedBoard",
    "EmulatedMemory",
    "Entry",
    "InstructionCounter",
    "emulated_board",
    "open_emulator",
    "open_serial",
]
