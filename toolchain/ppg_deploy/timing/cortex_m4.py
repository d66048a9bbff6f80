"""Core cycles of Cortex-M4 code, from the instructions alone: a lower bound on what silicon takes.

Costs are those of the Cortex-M4 Technical Reference Manual with flash and RAM that never make the core wait.
docs/timing-model.md has the rules, their limits, and how far the estimate was from chips.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ppg_deploy.errors import InternalError
from ppg_deploy.timing.cortex_m4_costs import (
    BRANCHES,
    FIXED_CYCLES,
    KNOWN_MNEMONICS,
    MULTIPLE_TRANSFERS,
    SINGLE_LOADS,
    SINGLE_STORES,
    TABLE_BRANCHES,
)

PIPELINE_REFILL_CYCLES = 2
"""P of the manual: 1 to 3 on silicon, by alignment and width of the instruction jumped to."""

_IF_THEN = re.compile(r"it[te]{0,3}")
_CONDITION = re.compile(r"(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)$")
_DOUBLE_REGISTER = re.compile(r"d\d+")
_CORE_REGISTER = re.compile(r"r\d+|sb|sl|fp|ip|sp|lr|pc")


class Instruction(NamedTuple):
    """The parts of a decoded instruction that its cost depends on."""

    mnemonic: str
    """Without condition, flag setting, width suffix and data type."""
    registers: tuple[str, ...]
    """Register operands in the order they are written, the register list included."""
    address_registers: tuple[str, ...]
    """Base and index of a memory operand."""
    has_index: bool
    writes_back: bool

    @property
    def is_single_load(self) -> bool:
        """Whether one value is loaded into a core register."""
        return self.mnemonic in SINGLE_LOADS

    @property
    def may_leave_straight_line(self) -> bool:
        """Whether the program counter is written."""
        if self.mnemonic in BRANCHES or self.mnemonic in TABLE_BRANCHES:
            return True
        if self.mnemonic in ("pop", "ldm", "ldmdb"):
            return "pc" in self.registers
        return (self.is_single_load or self.mnemonic in ("mov", "add")) and self.registers[:1] == ("pc",)

    @property
    def transferred_words(self) -> int:
        """Words of a register list."""
        has_base = self.mnemonic not in ("push", "pop", "vpush", "vpop")
        listed = self.registers[1:] if has_base else self.registers
        return sum(2 if _DOUBLE_REGISTER.fullmatch(name) else 1 for name in listed)


def cycles_in_straight_line(instruction: Instruction, before: Instruction | None) -> int:
    """Cost when no branch is taken; `before` is the instruction executed just before, where known."""
    name = instruction.mnemonic
    loaded_before = before.registers[0] if before is not None and before.is_single_load else None
    if instruction.is_single_load:
        has_own_address_cycle = (
            loaded_before is None or loaded_before in instruction.address_registers or instruction.writes_back
        )
        return 2 if has_own_address_cycle else 1
    if name in SINGLE_STORES:
        return 2 if instruction.has_index and loaded_before is None else 1
    if name in MULTIPLE_TRANSFERS:
        return 1 + instruction.transferred_words
    if name in BRANCHES:
        return 1
    if name in TABLE_BRANCHES:
        return 2
    if name in ("vldr", "vstr") and _DOUBLE_REGISTER.fullmatch(instruction.registers[0]):
        return 3
    if (
        name == "vmov"
        and sum(1 for register in instruction.registers if _CORE_REGISTER.fullmatch(register)) == 2
    ):
        return 2
    return FIXED_CYCLES[name]


@dataclass(frozen=True)
class _BlockCost:
    straight_line: int
    end_address: int
    may_branch: bool


@dataclass
class CortexM4ZeroWaitState:
    """Cycles of a block = sum of its instructions' costs, plus P when its last one left the straight line.

    What a block's first instruction costs does not depend on the block before it.
    """

    name: str = field(default="cortex-m4-zero-wait-state-v1", init=False)
    calibration: None = field(default=None, init=False)
    _costs: dict[tuple[int, bytes], _BlockCost] = field(default_factory=dict, init=False, repr=False)

    def cycles(self, address: int, code: bytes, next_address: int) -> int:
        """See `TimingModel.cycles`: a branch was taken when `next_address` is not the end of the block."""
        key = (address, code)
        if key not in self._costs:
            self._costs[key] = _block_cost(address, code)
        cost = self._costs[key]
        branched = cost.may_branch and next_address != cost.end_address
        return cost.straight_line + (PIPELINE_REFILL_CYCLES if branched else 0)


def _block_cost(address: int, code: bytes) -> _BlockCost:
    total = 0
    before: Instruction | None = None
    for instruction in decode(address, code):
        total += cycles_in_straight_line(instruction, before)
        before = instruction
    return _BlockCost(
        straight_line=total,
        end_address=address + len(code),
        may_branch=before is not None and before.may_leave_straight_line,
    )


def decode(address: int, code: bytes) -> Iterator[Instruction]:
    """The instructions of a block.

    Raises:
        EnvironmentProblem: capstone is not installed.
        InternalError: the bytes are no instruction, or one that the table has no cost for.
    """
    from ppg_deploy.timing.disassembler import open_disassembler

    decoded_bytes = 0
    for raw in open_disassembler().disasm(code, address):
        decoded_bytes += raw.size
        yield _instruction(raw)
    if decoded_bytes != len(code):
        raise InternalError(
            f"no Thumb instruction at {address + decoded_bytes:#010x}: {code[decoded_bytes:][:4].hex()}",
            hint="report this with the firmware that it came from",
        )


def _instruction(raw: Any) -> Instruction:
    from capstone import arm

    memory = next((operand.mem for operand in raw.operands if operand.type == arm.ARM_OP_MEM), None)
    address_registers = () if memory is None else tuple(filter(None, (memory.base, memory.index)))
    return Instruction(
        mnemonic=_bare_mnemonic(raw.mnemonic),
        registers=tuple(
            raw.reg_name(operand.reg) for operand in raw.operands if operand.type == arm.ARM_OP_REG
        ),
        address_registers=tuple(raw.reg_name(register) for register in address_registers),
        has_index=memory is not None and memory.index != 0,
        writes_back=bool(raw.writeback),
    )


def _bare_mnemonic(mnemonic: str) -> str:
    """Table entry for capstone's spelling: addseq.w -> add, vmla.f32 -> vmla, itte -> it."""
    bare = mnemonic.split(".", 1)[0]
    if _IF_THEN.fullmatch(bare):
        return "it"
    unconditional = _CONDITION.sub("", bare)
    for candidate in (bare, unconditional, bare.removesuffix("s"), unconditional.removesuffix("s")):
        if candidate in KNOWN_MNEMONICS:
            return candidate
    raise InternalError(
        f"the Cortex-M4 timing model has no cost for {mnemonic!r}",
        hint="add it to timing/cortex_m4_costs.py with the figure of the reference manual",
    )
