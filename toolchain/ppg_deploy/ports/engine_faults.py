"""What unicorn's errors mean for the processor: a fault with its cause, and the instruction that made it."""

from dataclasses import dataclass
from typing import Any

from ppg_deploy.ports.exception_unit import (
    INSTRUCTION_ACCESS,
    INSTRUCTION_BUS_ERROR,
    INVALID_STATE,
    PRECISE_BUS_ERROR,
    UNDEFINED_INSTRUCTION,
    Fault,
)
from ppg_deploy.ports.faulting_instruction import faulting_instruction

# A translation block has 512 instructions at most, and ends at the end of its page.
_PAGE_BYTES = 4096
_THUMB = 1 << 24
# ARMv7-M ARM, B3.1: devices and everything from 0xA0000000 on never hold code.
_NEVER_CODE = ((0x40000000, 0x60000000), (0xA0000000, 1 << 32))
_CAPSTONE_NAMES = {"sb": 9, "sl": 10, "fp": 11, "ip": 12}


@dataclass(frozen=True)
class LocatedFault:
    """A fault, the instruction that made it (for a jump: where it went), and the same in words."""

    fault: Fault
    program_counter: int
    description: str


@dataclass(frozen=True)
class _Access:
    """What unicorn's hook said about an access that it refused."""

    kind: int
    address: int
    size: int


class EngineFaults:
    """Watches `engine` for accesses that it refuses, and explains its errors."""

    def __init__(self, engine: Any) -> None:
        from unicorn import UC_HOOK_MEM_INVALID

        self._engine = engine
        self._access: _Access | None = None
        engine.hook_add(UC_HOOK_MEM_INVALID, self._on_invalid_access)

    def explain(self, error: Exception) -> LocatedFault:
        """What `error`, with which the engine has just ended, is to the processor."""
        from unicorn import unicorn_const as uc
        from unicorn.arm_const import UC_ARM_REG_PC, UC_ARM_REG_XPSR

        access, self._access = self._access, None
        program_counter = self._engine.reg_read(UC_ARM_REG_PC)
        if access is None:
            is_thumb = self._engine.reg_read(UC_ARM_REG_XPSR) & _THUMB
            status = UNDEFINED_INSTRUCTION if is_thumb else INVALID_STATE
            return LocatedFault(Fault(status), program_counter, str(error))
        if access.kind in (uc.UC_MEM_FETCH_UNMAPPED, uc.UC_MEM_FETCH_PROT):
            never = any(first <= access.address < end for first, end in _NEVER_CODE)
            status = INSTRUCTION_ACCESS if never else INSTRUCTION_BUS_ERROR
            return LocatedFault(Fault(status), program_counter, _describe(access))
        is_store = access.kind in (uc.UC_MEM_WRITE_UNMAPPED, uc.UC_MEM_WRITE_PROT)
        page_end = (program_counter // _PAGE_BYTES + 1) * _PAGE_BYTES
        place = faulting_instruction(
            bytes(self._engine.mem_read(program_counter, page_end - program_counter)),
            program_counter,
            access.address,
            is_store=is_store,
            register=self._register,
        )
        return LocatedFault(Fault(PRECISE_BUS_ERROR, access.address), place, _describe(access))

    def _register(self, name: str) -> int:
        from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_R0, UC_ARM_REG_SP

        if name in ("sp", "lr"):
            return int(self._engine.reg_read(UC_ARM_REG_SP if name == "sp" else UC_ARM_REG_LR))
        number = _CAPSTONE_NAMES.get(name)
        return int(self._engine.reg_read(UC_ARM_REG_R0 + (int(name[1:]) if number is None else number)))

    def _on_invalid_access(self, _engine: Any, kind: int, address: int, size: int, *_: object) -> bool:
        self._access = _Access(kind, address, size)
        return False


def _describe(access: _Access) -> str:
    from unicorn import unicorn_const as uc

    kind = {
        uc.UC_MEM_READ_UNMAPPED: "read of",
        uc.UC_MEM_WRITE_UNMAPPED: "write to",
        uc.UC_MEM_FETCH_UNMAPPED: "jump to",
        uc.UC_MEM_WRITE_PROT: "write to read-only",
    }.get(access.kind, "invalid access to")
    return f"{kind} address {access.address:#010x} ({access.size} bytes), where the board has no such memory"
