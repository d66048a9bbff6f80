"""Which instruction of a basic block made a data access that failed.

unicorn 2.1.3 reports such an access with the program counter of the block's start, but with all other registers as
they are at the instruction. So the block is disassembled: the instruction is the one whose operands give the address.
"""

from collections.abc import Callable
from typing import Any

from ppg_deploy.timing.disassembler import open_disassembler

_LOADS, _STORES = ("ld", "pop", "vld", "vpop", "tb"), ("st", "push", "vst", "vpush")
_SEVERAL = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_FALLING = ("push", "vpush")
_RISING = ("pop", "vpop")
# By the beginning of the mnemonic, which a condition may follow.
_BYTES, _HALVES, _DOUBLES = (
    ("ldrb", "ldrsb", "strb", "tbb"),
    ("ldrh", "ldrsh", "strh", "tbh"),
    ("ldrd", "strd"),
)


def faulting_instruction(
    code: bytes, start: int, address: int, *, is_store: bool, register: Callable[[str], int]
) -> int:
    """The address of the instruction in `code`, which begins at `start`, that accesses `address`.

    Args:
        code: from the block's first instruction on; may be longer than the block.
        start: address of `code`.
        address: that was accessed.
        is_store: it was written to.
        register: the value of a register by capstone's name of it ("r0", "sb" for r9, "sp").

    Returns:
        The first instruction that fits; `start` when none does. Where an earlier instruction of the block had the
        same operands and got through, because a register has changed since, it is that one.
    """
    from capstone import CS_GRP_CALL, CS_GRP_JUMP

    kinds = _STORES if is_store else _LOADS
    for instruction in open_disassembler().disasm(code, start):
        if instruction.mnemonic.startswith(kinds):
            first, size = _accessed(instruction, register)
            if first <= address < first + size:
                return int(instruction.address)
        if instruction.group(CS_GRP_JUMP) or instruction.group(CS_GRP_CALL):
            break
    return start


def _accessed(instruction: Any, register: Callable[[str], int]) -> tuple[int, int]:
    """First address and number of bytes of a load or store."""
    from capstone.arm import ARM_OP_MEM

    mnemonic = instruction.mnemonic.split(".")[0]

    def value(number: int) -> int:
        name = instruction.reg_name(number)
        # ARMv7-M ARM, A4.2.1: the program counter as a base.
        return (instruction.address + 4) & ~3 if name == "pc" else register(name)

    if mnemonic.startswith(_SEVERAL):
        transferred = list(instruction.operands)
        base = register("sp") if mnemonic.startswith((*_FALLING, *_RISING)) else value(transferred.pop(0).reg)
        size = sum(8 if instruction.reg_name(operand.reg).startswith("d") else 4 for operand in transferred)
        falls = (
            mnemonic.startswith(_FALLING) or mnemonic[3:].startswith("db") or mnemonic[4:].startswith("db")
        )
        return (base - size if falls else base) & 0xFFFFFFFF, size
    for operand in instruction.operands:
        if operand.type == ARM_OP_MEM:
            first = value(operand.mem.base)
            if operand.mem.index:
                first += value(operand.mem.index) << operand.shift.value
            if not instruction.post_index:
                first += operand.mem.disp
            return first & 0xFFFFFFFF, _size(instruction, mnemonic)
    return 0, 0


def _size(instruction: Any, mnemonic: str) -> int:
    if mnemonic.startswith("v"):
        return 8 if instruction.reg_name(instruction.operands[0].reg).startswith("d") else 4
    if mnemonic.startswith(_BYTES):
        return 1
    if mnemonic.startswith(_HALVES):
        return 2
    return 8 if mnemonic.startswith(_DOUBLES) else 4
