"""Which object file each byte of an image came from, as GNU ld's map file tells it."""

import re
from dataclasses import dataclass

FILL = "*fill*"
"""Source of bytes that the linker added for alignment."""

_START = "Linker script and memory map"
_OUTPUT_SECTION = re.compile(r"^(?P<name>[._A-Za-z]\S*)(?:\s+0x[0-9a-f]+\s+0x[0-9a-f]+.*)?$")
_CONTRIBUTION = re.compile(
    r"^ (?P<name>\S+)?\s+0x(?P<address>[0-9a-f]+)\s+0x(?P<size>[0-9a-f]+)(?:\s+(?P<source>\S.*))?\s*$"
)
_LONG_NAME = re.compile(r"^ (?P<name>[._A-Za-z]\S*)\s*$")


@dataclass(frozen=True)
class Contribution:
    """Bytes that one input section put into an output section."""

    output_section: str
    address: int
    size_bytes: int
    source: str
    """Object file as it was given to the linker, "archive.a(member.o)", or FILL."""


def read_map(text: str) -> tuple[Contribution, ...]:
    """Every contribution of more than zero bytes, in the order of the map.

    A long input-section name stands on a line of its own, with the numbers on the next one.
    """
    _, _, body = text.partition(_START)
    contributions: list[Contribution] = []
    output_section = ""
    pending_name = ""
    for line in body.splitlines():
        if match := _OUTPUT_SECTION.match(line):
            output_section, pending_name = match["name"], ""
        elif match := _LONG_NAME.match(line):
            pending_name = match["name"]
        elif match := _CONTRIBUTION.match(line):
            name = match["name"] or pending_name
            pending_name = ""
            size = int(match["size"], 16)
            source = FILL if name == FILL else match["source"]
            if name and source and size:
                contributions.append(Contribution(output_section, int(match["address"], 16), size, source))
    return tuple(contributions)
