"""One instruction at a time, which unicorn 2.1.3 by itself does not do.

Asked for one instruction, it runs on through code that it has compiled before. So compiled code is dropped first,
which is slow; what usually stands between WFI and the end of the masked section is therefore done here.
"""

from typing import Any

# ARMv7-M ARM, A7.7: CPSIE i; NOP; DSB, DMB and ISB, whose second halfword has the kind of barrier in bits 4 to 7.
_UNMASK, _NO_OPERATION = 0xB662, 0xBF00
_BARRIER, _BARRIER_MASK, _BARRIERS = 0xF3BF, 0xFF00, 0x8F00
_BARRIER_KINDS = (4, 5, 6)


class SingleStep:
    """Advances `engine`, which stands still. `code_ranges` are first and end addresses of memory with code."""

    def __init__(self, engine: Any, code_ranges: list[tuple[int, int]]) -> None:
        self._engine = engine
        self._code_ranges = code_ranges

    def do_here(self) -> bool:
        """Execute the next instruction if it is one of those that need no engine. Whether it was."""
        from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_PRIMASK

        program_counter = self._engine.reg_read(UC_ARM_REG_PC)
        code = bytes(self._engine.mem_read(program_counter, 4))
        first, second = int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little")
        if first in (_UNMASK, _NO_OPERATION):
            size = 2
        elif (
            first == _BARRIER and second & _BARRIER_MASK == _BARRIERS and second >> 4 & 0xF in _BARRIER_KINDS
        ):
            size = 4
        else:
            return False
        if first == _UNMASK:
            self._engine.reg_write(UC_ARM_REG_PRIMASK, 0)
        self._engine.reg_write(UC_ARM_REG_PC, program_counter + size | 1)
        return True

    def prepare(self) -> None:
        """To be called before the engine is asked for a single instruction."""
        for first, end in self._code_ranges:
            self._engine.ctl_remove_cache(first, end)
