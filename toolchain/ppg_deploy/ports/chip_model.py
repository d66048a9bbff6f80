"""Which model stands for the peripherals of a board's chip in the unicorn engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.ports import nrf52_peripherals, stm32_registers
from ppg_deploy.ports.core_registers import CORE_BASE, CoreRegisters
from ppg_deploy.ports.emulated_board import EmulatedBoard
from ppg_deploy.ports.nrf52_peripherals import DmaMemory, Nrf52Chip, Nrf52Peripherals
from ppg_deploy.ports.serial_link import SerialLink
from ppg_deploy.ports.stm32_peripherals import Stm32Peripherals
from ppg_deploy.ports.stm32_registers import FamilyRegisters

# ARMv7-M ARM, B3.1: peripherals, and the private peripheral bus of the core.
_COMMON_WINDOWS = ((0x40000000, 0x20000000), (CORE_BASE, 0x00100000))

CPU_MODELS = {"cortex-m4": "UC_CPU_ARM_CORTEX_M4", "cortex-m7": "UC_CPU_ARM_CORTEX_M7"}
"""Cores that unicorn runs, by their names in unicorn.arm_const."""

Description = FamilyRegisters | Nrf52Chip

DESCRIPTIONS: Mapping[str, Description] = {**stm32_registers.FAMILIES, **nrf52_peripherals.CHIPS}
"""Every model, by the name that board.toml gives in [emulators.unicorn]."""


class Peripherals(Protocol):
    """What is not memory on a chip, its core left out."""

    def reset(self, *, by_software: bool) -> None:
        """Back to the state after power-on; `by_software`: as after a reset that the firmware asked for."""
        ...

    @property
    def wants_interrupt(self) -> bool:
        """Whether the console UART asks for its interrupt."""
        ...

    def read(self, address: int) -> int:
        """The 32-bit value at `address`."""
        ...

    def write(self, address: int, value: int) -> None:
        """Store `value`, and do what the register does when written."""
        ...


@dataclass(frozen=True)
class ChipModel:
    """All registers of a chip. `windows` are the addresses that they take: base and size in bytes."""

    core: CoreRegisters
    peripherals: Peripherals
    windows: tuple[tuple[int, int], ...]

    def reset(self, *, by_software: bool) -> None:
        """Back to the state after power-on; `by_software`: as after a reset that the firmware asked for."""
        self.core.reset()
        self.peripherals.reset(by_software=by_software)

    def read(self, address: int, size: int = 4) -> int:
        """The value at `address`; `size` in bytes matters for the core's registers only."""
        if address >= CORE_BASE:
            return self.core.read(address, size)
        return self.peripherals.read(address)

    def write(self, address: int, value: int, size: int = 4) -> None:
        """Store `value`, and do what the register does when written."""
        if address >= CORE_BASE:
            self.core.write(address, value, size)
        else:
            self.peripherals.write(address, value)


def describe_chip(board: EmulatedBoard) -> Description:
    """The model that a board names.

    Raises:
        EnvironmentProblem: it names none that is known, or its core is none that unicorn runs here.
    """
    description = DESCRIPTIONS.get(board.register_model or "")
    if description is None or board.cpu not in CPU_MODELS:
        raise EnvironmentProblem(
            f"the unicorn emulator has no model of board {board.id}",
            hint=f"choose a board with one of the models {', '.join(DESCRIPTIONS)}, or a real port",
        )
    return description


def make_chip(
    description: Description, *, uart_base: int, core: CoreRegisters, link: SerialLink, memory: DmaMemory
) -> ChipModel:
    """The registers of a chip, whose console is the device's side of `link`."""
    if isinstance(description, Nrf52Chip):
        nordic = Nrf52Peripherals(description, uart_base=uart_base, link=link, memory=memory)
        return ChipModel(core, nordic, (*_COMMON_WINDOWS, *nrf52_peripherals.WINDOWS))
    return ChipModel(core, Stm32Peripherals(description, uart_base=uart_base, link=link), _COMMON_WINDOWS)
