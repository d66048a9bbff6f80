"""A small STM32 in unicorn for tests of the board support: a log of register writes, and faults to order.

Independent of the package's own emulator port on purpose: the port is made to run firmware, this one to trip it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsp_interrupts import NVIC_ENABLE, Waiting

CYCLES, SYSTICK_CONTROL, SYSTICK_VALUE = 0xE000_1004, 0xE000_E010, 0xE000_E018
WINDOWS = (
    (0x4000_0000, 0x10_0000),
    (0x4800_0000, 0x1_0000),
    (0x5100_0000, 0x10_0000),
    (0x5200_0000, 0x1_0000),
    (0x5800_0000, 0x10_0000),
    (0x5C00_0000, 0x1_0000),
    (0xE000_0000, 0x10_0000),
)


@dataclass(frozen=True)
class Chip:
    """Where the registers with a behaviour of their own are."""

    rcc: int
    configuration_offset: int
    ready_bits: tuple[tuple[int, int], ...]
    """Pairs (on, ready) of RCC_CR."""
    usart_status: int
    usart_receive: int
    usart_transmit: int
    interrupt: int
    usart_control: int
    cpu: str = "M4"
    flash_control: int = 0
    switched_shift: int = 2
    """Where RCC_CFGR tells the clock in use; the switch itself is at bit 0."""
    flags: Mapping[int, int] = field(default_factory=dict)
    """Bits that the hardware sets once the clock control is healthy, by address."""
    copies: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Bits that a status register has from another register: address -> (other address, mask)."""


L476 = Chip(
    0x4002_1000,
    0x08,
    ((8, 10), (24, 25)),
    *(0x4000_441C, 0x4000_4424, 0x4000_4428, 38, 0x4000_4400),
    flash_control=0x4002_2000,
)
F405 = Chip(
    0x4002_3800,
    0x08,
    ((0, 1), (24, 25)),
    *(0x4001_1000, 0x4001_1004, 0x4001_1004, 37, 0x4001_100C),
    flash_control=0x4002_3C00,
)


def counts(now: int) -> int:
    """A counter that counts."""
    return now


@dataclass
class Machine:
    """Runs an image until it waits for bytes and none are left."""

    elf: Path
    chip: Chip
    clock_gets_ready: bool = True
    switch_takes_effect: bool = True
    cycle_counter: Callable[[int], int] = counts
    system_timer: Callable[[int], int] = counts
    flash_control_mask: int = 0xFFFF_FFFF
    writes: list[tuple[int, int]] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    overrun: bool = False
    instructions: int = 0

    def __post_init__(self) -> None:
        from elftools.elf.elffile import ELFFile
        from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
        from unicorn.arm_const import UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M4, UC_CPU_ARM_CORTEX_M7

        self._registers: dict[int, int] = {}
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        models = {"M4": UC_CPU_ARM_CORTEX_M4, "M7": UC_CPU_ARM_CORTEX_M7}
        self._uc.ctl_set_cpu_model(models[self.chip.cpu])
        self._uc.mem_map(0x0800_0000, 0x10_0000)
        self._uc.mem_map(0x2000_0000, 0x1_8000)
        for base, size in WINDOWS:
            self._uc.mmio_map(base, size, self._read, base, self._write, base)
        with self.elf.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments("PT_LOAD"):
                if segment["p_filesz"]:
                    self._uc.mem_write(segment["p_paddr"], segment.data())
        self._uc.hook_add(UC_HOOK_CODE, self._count)
        stack, self._pc = (int.from_bytes(self._uc.mem_read(0x0800_0000 + at, 4), "little") for at in (0, 4))
        self._uc.reg_write(UC_ARM_REG_SP, stack)
        self._waiting = Waiting(self._uc, self.elf, 0x0800_0000, self._raise_interrupt)

    def _raise_interrupt(self) -> int | None:
        """The USART's interrupt, when a byte is there and neither USART (RXNEIE) nor NVIC holds it back."""
        number = self.chip.interrupt
        enabled = self._registers.get(NVIC_ENABLE + 4 * (number // 32), 0) >> number % 32 & 1
        asked_for = self._registers.get(self.chip.usart_control, 0) >> 5 & 1
        return number if self.received and enabled and asked_for else None

    def _count(self, *_: object) -> None:
        self.instructions += 1

    def _read(self, _uc: Any, offset: int, _size: int, base: int) -> int:
        address, chip = base + offset, self.chip
        value = self._registers.get(address, 0)
        if address == CYCLES:
            return self.cycle_counter(self.instructions) & 0xFFFF_FFFF
        if address == SYSTICK_VALUE:
            running = self._registers.get(SYSTICK_CONTROL, 0) & 1
            return -self.system_timer(self.instructions) & 0xFF_FFFF if running else 0
        if address == chip.usart_status:
            return 0xC0 | self._receiver_flags()
        if address == chip.usart_receive:
            self.overrun = False
            return self.received.pop(0) if self.received else 0
        if address == chip.rcc and self.clock_gets_ready:
            for on, ready in chip.ready_bits:
                value |= (value >> on & 1) << ready
        if address == chip.rcc + chip.configuration_offset and self.switch_takes_effect:
            value |= (value & 3) << chip.switched_shift
        if address == chip.flash_control:
            value &= self.flash_control_mask
        if address in chip.copies and self.clock_gets_ready:
            other, mask = chip.copies[address]
            value |= self._registers.get(other, 0) & mask
        return value | chip.flags.get(address, 0)

    def _receiver_flags(self) -> int:
        return 0x20 | (0x08 if self.overrun else 0) if self.received else 0

    def _write(self, _uc: Any, offset: int, _size: int, value: int, base: int) -> None:
        address = base + offset
        self.writes.append((address, value))
        if address == self.chip.usart_transmit:
            self.sent.append(value & 0xFF)
        self._registers[address] = value

    def fill_ram(self, word: int) -> None:
        """Before the first `ask`: what RAM may hold at power-on."""
        self._uc.mem_write(0x2000_0000, word.to_bytes(4, "little") * (0x1_8000 // 4))

    def take_systick(self) -> None:
        """Once the firmware waits: its timer comes to the end of a turn."""
        self._waiting.serve(-1)

    def ask(self, text: str = "") -> str:
        """Send `text`, run, return what the firmware wrote."""
        self.sent.clear()
        self.received += text.encode()
        self._pc = self._waiting.run(self._pc)
        return self.sent.decode().strip()

    def written(self, address: int) -> list[int]:
        """Every value written to one register, in order."""
        return [value for at, value in self.writes if at == address]
