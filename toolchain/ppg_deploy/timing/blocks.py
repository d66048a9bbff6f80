"""Basic blocks of Thumb code: how many instructions lie in a range of bytes."""

from typing import NamedTuple

# ARMv7-M ARM, A5.1: a first halfword whose top five bits have one of these values starts a 32-bit instruction.
_WIDE_PREFIXES = frozenset((0b11101, 0b11110, 0b11111))


class Block(NamedTuple):
    """A run of instructions that are executed one after the other."""

    address: int
    """Of the first instruction; the Thumb bit is clear."""
    size_bytes: int


def instruction_count(code: bytes) -> int:
    """Thumb-2 instructions in `code`, which starts and ends at an instruction boundary."""
    position = 0
    count = 0
    while position < len(code):
        position += 4 if code[position + 1] >> 3 in _WIDE_PREFIXES else 2
        count += 1
    return count
