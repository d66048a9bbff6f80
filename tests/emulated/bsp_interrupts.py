"""What both small machines have in common: they stop where the firmware waits, and serve the UART's interrupt there.

A handler is an ordinary function on a Cortex-M, so it is called as one: with its registers put back afterwards. When it
is called, by what, and on which stack, is the business of the emulators' own tests.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

NVIC_ENABLE = 0xE000_E100
VECTORS_BEFORE_INTERRUPTS = 16
WAIT_FOR_INTERRUPT = b"\x30\xbf"
_SAVED = ("R0", "R1", "R2", "R3", "R12", "SP", "LR", "PC", "XPSR")
_TIMEOUT_US = 30_000_000


def symbol(elf: Path, name: str) -> tuple[int, int]:
    """Address (without the Thumb bit) and size in bytes."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        found = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name(name)[0]
        return int(found["st_value"]) & ~1, int(found["st_size"])


class Waiting:
    """Runs an image from one wait for bytes to the next.

    Args:
        uc: the core, with its memory.
        elf: the image.
        vectors: address of its vector table.
        raise_interrupt: what the chip does next of itself; the number of an interrupt that it then asks for, or None.
    """

    def __init__(self, uc: Any, elf: Path, vectors: int, raise_interrupt: Callable[[], int | None]) -> None:
        from unicorn import UC_HOOK_CODE, arm_const

        self._uc = uc
        self._vectors = vectors
        self._raise_interrupt = raise_interrupt
        self._registers = [getattr(arm_const, f"UC_ARM_REG_{name}") for name in _SAVED]
        self._pc, self._lr = arm_const.UC_ARM_REG_PC, arm_const.UC_ARM_REG_LR
        self._wait, size = symbol(elf, "ppg_bsp_uart_wait")
        self._goes_on = False
        code = bytes(uc.mem_read(self._wait, size))
        self.sleep = self._wait + code.index(WAIT_FOR_INTERRUPT)
        """Address of the WFI instruction."""
        uc.hook_add(UC_HOOK_CODE, self._stop, begin=self._wait, end=self._wait)

    def _stop(self, *_: object) -> None:
        if not self._goes_on:
            self._uc.emu_stop()
        self._goes_on = False

    def run(self, start: int) -> int:
        """Run from `start` until the firmware waits and nothing comes; where it stopped."""
        while True:
            self._uc.emu_start(start | 1, 0xFFFF_FFFF, timeout=_TIMEOUT_US)
            start = int(self._uc.reg_read(self._pc))
            if start != self._wait:
                return start
            served = 0
            while (interrupt := self._raise_interrupt()) is not None:
                self.serve(interrupt)
                served += 1
            if not served:
                return start
            self._goes_on = True

    def reaches_sleep(self) -> bool:
        """Whether the firmware, which waits, executes WFI when nothing comes. Ends the machine."""
        self._goes_on = True
        start = int(self._uc.reg_read(self._pc))
        self._uc.emu_start(start | 1, self.sleep, count=60)
        return int(self._uc.reg_read(self._pc)) == self.sleep

    def serve(self, interrupt: int) -> None:
        """Call the handler of an interrupt; those of the core count from -1 down, SysTick first."""
        saved = [self._uc.reg_read(register) for register in self._registers]
        vector = self._vectors + 4 * (VECTORS_BEFORE_INTERRUPTS + interrupt)
        handler = int.from_bytes(self._uc.mem_read(vector, 4), "little")
        self._uc.reg_write(self._lr, self._wait | 1)
        self._goes_on = False
        self._uc.emu_start(handler, self._wait, timeout=_TIMEOUT_US)
        for register, value in zip(self._registers, saved, strict=True):
            self._uc.reg_write(register, value)
