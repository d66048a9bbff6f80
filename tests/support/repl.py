"""Reads Renode platform files (.repl): the subset that ours are written in.

After Renode's grammar (src/Renode/PlatformDescription/Syntax/Grammar.cs) and its handling of indentation and comments
(PreLexer.cs): entries begin in column 0, attributes are indented by four spaces, `//` begins a comment, ''' a string of
several lines.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_ENTRY = re.compile(r"^(\w+): ([\w.]+) @ (.+)$")
_IRQ = re.compile(r"^(\w*)\s*-> (\w+)@(\d+)$")
_RANGE = re.compile(r"^<(0x[0-9a-fA-F]+), \+(0x[0-9a-fA-F]+)>$")


@dataclass(frozen=True)
class Interrupt:
    """`output -> receiver@number`; `output` is empty where the model has only one."""

    output: str
    receiver: str
    number: int


@dataclass(frozen=True)
class Peripheral:
    """One entry. `bases` are its addresses on the bus, `attributes` its parameters as they are written."""

    name: str
    model: str
    bases: tuple[int, ...]
    bus_size: int | None
    attributes: dict[str, str]
    interrupts: tuple[Interrupt, ...]

    def number(self, attribute: str) -> int:
        return int(self.attributes[attribute], 0)


def parse_repl(text: str) -> dict[str, Peripheral]:
    """Peripherals by name.

    Raises:
        ValueError: a line is none that is known here, indented wrongly, or a name is taken.
    """
    found: dict[str, Peripheral] = {}
    for line in _entries(text):
        head, *rest = line
        match = _ENTRY.match(head)
        if match is None:
            raise ValueError(f"no entry: {head!r}")
        name, model, where = match.groups()
        if name in found:
            raise ValueError(f"{name} is there twice")
        rest, where = _braced(rest, where)
        bases, size = _registrations(where)
        attributes: dict[str, str] = {}
        interrupts = []
        for attribute in rest:
            if irq := _IRQ.match(attribute):
                interrupts.append(Interrupt(irq[1], irq[2], int(irq[3])))
                continue
            key, colon, value = attribute.partition(": ")
            if not colon or key in attributes:
                raise ValueError(f"{name}: no attribute: {attribute!r}")
            attributes[key] = value
        found[name] = Peripheral(name, model, bases, size, attributes, tuple(interrupts))
    return found


def read_repl(path: Path) -> dict[str, Peripheral]:
    """As parse_repl."""
    return parse_repl(path.read_text(encoding="utf-8"))


def _entries(text: str) -> list[list[str]]:
    entries: list[list[str]] = []
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip() or line.startswith("//"):
            continue
        if "'''" in line:
            start, _, script = line.partition("'''")
            body = [script] if script else []
            for more in lines:
                if "'''" in more:
                    body.append(more.partition("'''")[0])
                    break
                body.append(more)
            else:
                raise ValueError("a string of several lines does not end")
            line = start + "\n".join(body)
        indent = len(line) - len(line.lstrip(" "))
        if indent % 4:
            raise ValueError(f"indented by {indent} spaces: {line!r}")
        if indent == 0:
            entries.append([line])
        elif not entries:
            raise ValueError(f"the first line is indented: {line!r}")
        else:
            entries[-1].append(line.strip(" "))
    return entries


def _braced(rest: list[str], where: str) -> tuple[list[str], str]:
    """Registrations in braces over several lines, joined."""
    if where != "{":
        return rest, where
    end = rest.index("}")
    return rest[end + 1 :], "{ " + " ".join(rest[:end]) + " }"


def _registrations(where: str) -> tuple[tuple[int, ...], int | None]:
    if where == "sysbus":
        return (), None
    if where.startswith("{"):
        parts = where.strip("{} ").split("sysbus ")[1:]
        numbers = [part.strip(" ;") for part in parts]
        return tuple(int(part, 0) for part in numbers if part.startswith("0x")), None
    place = where.removeprefix("sysbus ")
    if match := _RANGE.match(place):
        return (int(match[1], 0),), int(match[2], 0)
    return (int(place, 0),), None
