"""Machine code of the runtime for Cortex-M4, and its loops."""

import functools
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.support.compile_host import RUNTIME, WARNINGS


@dataclass(frozen=True)
class Instruction:
    """One line of a disassembly; the name has no suffix for its width."""

    address: int
    name: str
    operands: str

    @property
    def branches_to(self) -> int | None:
        """The address behind a branch."""
        target = re.search(r"\b([0-9a-f]+) <", self.operands)
        return int(target[1], 16) if target and self.name.startswith(("b", "cb")) else None

    @property
    def uses_stack(self) -> bool:
        """True for any instruction that names the stack pointer."""
        return self.name in ("push", "pop") or re.search(r"\bsp\b", self.operands) is not None


@functools.cache
def functions_of(source: str) -> dict[str, tuple[Instruction, ...]]:
    """The functions of a source in firmware/runtime/, static ones included."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "kernel.o"
        flags = [*WARNINGS, "-mcpu=cortex-m4", "-mthumb", "-O2", f"-I{RUNTIME}"]
        command = ["arm-none-eabi-gcc", *flags, "-c", str(RUNTIME / source), "-o", str(target)]
        subprocess.run(command, check=True, timeout=60)
        dump = ["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", str(target)]
        text = subprocess.run(dump, capture_output=True, text=True, check=True, timeout=60).stdout
    functions: dict[str, list[Instruction]] = {}
    for line in text.splitlines():
        if start := re.match(r"[0-9a-f]+ <(\w+)>:", line):
            functions[start[1]] = []
        elif found := re.match(r" +([0-9a-f]+):\t(\S+)(?:\t(.*))?$", line):
            instruction = Instruction(int(found[1], 16), found[2].split(".")[0], found[3] or "")
            functions[next(reversed(functions))].append(instruction)
    return {name: tuple(code) for name, code in functions.items()}


def innermost_loops(code: tuple[Instruction, ...]) -> list[list[Instruction]]:
    """Instructions from the target of each backward branch to it, where no other one lies between."""
    backward = [
        (each.branches_to, each.address)
        for each in code
        if each.branches_to is not None and each.name != "bl" and each.branches_to <= each.address
    ]
    inner = [
        loop
        for loop in backward
        if not any(other != loop and loop[0] <= other[0] and other[1] <= loop[1] for other in backward)
    ]
    return [[each for each in code if first <= each.address <= last] for first, last in inner]


def on_loops(code: tuple[Instruction, ...]) -> list[Instruction]:
    """Instructions that a loop runs through: what is left when those without a way in or out are taken away."""
    following: dict[int, set[int]] = {}
    for each, behind in zip(code, [*(other.address for other in code[1:]), None], strict=True):
        leaves = each.name == "b" or "pc}" in each.operands
        following[each.address] = set() if leaves or behind is None else {behind}
        if each.branches_to is not None and each.name != "bl":
            following[each.address].add(each.branches_to)
    while True:
        entered = set().union(*following.values())
        kept = {
            address: targets & following.keys()
            for address, targets in following.items()
            if address in entered and targets & following.keys()
        }
        if kept.keys() == following.keys():
            return [each for each in code if each.address in kept]
        following = kept
