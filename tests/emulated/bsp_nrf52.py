"""A small nRF52 in unicorn for tests of the board support: a log of register writes, and faults to order.

Independent of the package's own emulator port on purpose, like bsp_unicorn.py.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsp_interrupts import NVIC_ENABLE, Waiting

UARTE, UARTE_INTERRUPT = 0x4000_2000, 2
START_RX, START_TX, END_RX, END_TX, ERRORS = (UARTE + offset for offset in (0x0, 0x8, 0x110, 0x120, 0x480))
RX_POINTER, TX_POINTER, TX_COUNT = UARTE + 0x534, UARTE + 0x544, UARTE + 0x548
INTERRUPTS_ON = UARTE + 0x304
CRYSTAL_START, CRYSTAL_STARTED = 0x4000_0000, 0x4000_0100
PART, REVISION, PROTECTION = 0x1000_0130, 0x1000_0134, 0x1000_1208
CYCLES, SYSTICK_CONTROL, SYSTICK_VALUE = 0xE000_1004, 0xE000_E010, 0xE000_E018
WINDOWS = (
    (0x1000_0000, 0x2000),
    (0x4000_0000, 0x10_0000),
    (0x5000_0000, 0x1000),
    (0xE000_0000, 0x10_0000),
)
RAM, RAM_BYTES = 0x2000_0000, 0x4_0000


@dataclass
class Machine:
    """Runs an image until it waits for bytes and none are left."""

    elf: Path
    flash_origin: int = 0
    crystal_starts: bool = True
    transmitter_works: bool = True
    part: int = 0x08
    revision: int = 0x05
    protection: int = 0x5A
    preset: dict[int, int] = field(default_factory=dict)
    """Registers that do not read as 0 at start."""
    stack_pointer: int | None = None
    """What a bootloader leaves; that of the vector table when None."""
    writes: list[tuple[int, int]] = field(default_factory=list)
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    errors: int = 0
    polls_of_sending: list[int] = field(default_factory=list)
    """How often ENDTX was read after each STARTTX; a dead transmitter ends the run at the third."""
    instructions: int = 0

    def __post_init__(self) -> None:
        from elftools.elf.elffile import ELFFile
        from unicorn import UC_ARCH_ARM, UC_HOOK_BLOCK, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
        from unicorn.arm_const import UC_ARM_REG_SP, UC_CPU_ARM_CORTEX_M4

        self._registers = {
            PART: self.part,
            REVISION: self.revision,
            PROTECTION: self.protection,
            **self.preset,
        }
        self._is_receiving = False
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M4)
        self._uc.mem_map(0, 0x10_0000)
        self._uc.mem_map(RAM, RAM_BYTES)
        for base, size in WINDOWS:
            self._uc.mmio_map(base, size, self._read, base, self._write, base)
        with self.elf.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments("PT_LOAD"):
                if segment["p_filesz"]:
                    self._uc.mem_write(segment["p_paddr"], segment.data())
        # A counter that grows with work is all that the self-test of the cycle counter needs.
        self._uc.hook_add(UC_HOOK_BLOCK, self._count)
        stack, self._pc = (
            int.from_bytes(self._uc.mem_read(self.flash_origin + at, 4), "little") for at in (0, 4)
        )
        self._uc.reg_write(UC_ARM_REG_SP, stack if self.stack_pointer is None else self.stack_pointer)
        self._waiting = Waiting(self._uc, self.elf, self.flash_origin, self._raise_interrupt)

    def _count(self, _uc: Any, _address: int, size: int, _data: Any) -> None:
        self.instructions += size // 2

    def _read(self, _uc: Any, offset: int, _size: int, base: int) -> int:
        address = base + offset
        if address == CYCLES:
            return self.instructions & 0xFFFF_FFFF
        if address == SYSTICK_VALUE:
            return -self.instructions & 0xFF_FFFF if self._registers.get(SYSTICK_CONTROL, 0) & 1 else 0
        if address == ERRORS:
            return self.errors
        if address == END_TX:
            self.polls_of_sending[-1] += 1
            if not self.transmitter_works and len(self.polls_of_sending) > 2:
                self._uc.emu_stop()
        return self._registers.get(address, 0)

    def _raise_interrupt(self) -> int | None:
        """ENDRX, when a byte has come and neither UARTE nor NVIC holds the interrupt back."""
        enabled = self._registers.get(NVIC_ENABLE, 0) >> UARTE_INTERRUPT & 1
        asked_for = self._registers.get(INTERRUPTS_ON, 0) >> 4 & 1
        if not (self.received and self._is_receiving and enabled and asked_for):
            return None
        self._is_receiving = False
        self._uc.mem_write(self._registers[RX_POINTER], bytes([self.received.pop(0)]))
        self._registers[END_RX] = 1
        return UARTE_INTERRUPT

    def _write(self, _uc: Any, offset: int, _size: int, value: int, base: int) -> None:
        address = base + offset
        self.writes.append((address, value))
        self._registers[address] = value
        if address == ERRORS:
            self.errors &= ~value
        elif address == START_RX:
            self._is_receiving = True
        elif address == CRYSTAL_START and self.crystal_starts:
            self._registers[CRYSTAL_STARTED] = 1
        elif address == START_TX:
            self.polls_of_sending.append(0)
            if self.transmitter_works:
                pointer, count = self._registers[TX_POINTER], self._registers[TX_COUNT]
                self.sent += self._uc.mem_read(pointer, count)
                self._registers[END_TX] = 1

    def ask(self, text: str = "") -> str:
        """Send `text`, run, return what the firmware wrote."""
        self.sent.clear()
        self.received += text.encode()
        self._pc = self._waiting.run(self._pc)
        return self.sent.decode().strip()

    def take_systick(self) -> None:
        """Once the firmware waits: its timer comes to the end of a turn."""
        self._waiting.serve(-1)

    def sleeps(self) -> bool:
        """Whether the firmware sleeps when nothing comes. Ends the machine."""
        return self._waiting.reaches_sleep()

    def core_register(self, name: str) -> int:
        """A register of the processor, by its name in unicorn."""
        from unicorn import arm_const

        return int(self._uc.reg_read(getattr(arm_const, f"UC_ARM_REG_{name}")))

    def set_core_register(self, name: str, value: int) -> None:
        """Before the first `ask`: what a bootloader leaves behind."""
        from unicorn import arm_const

        self._uc.reg_write(getattr(arm_const, f"UC_ARM_REG_{name}"), value)

    def written(self, address: int) -> list[int]:
        """Every value written to one register, in order."""
        return [value for at, value in self.writes if at == address]
