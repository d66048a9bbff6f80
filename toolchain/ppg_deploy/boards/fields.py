"""Field types that the tables of board.toml share, and the names of pins."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
MemoryName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Address = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Flag = Annotated[bool, Field(strict=True)]
PositiveInt = Annotated[int, Field(strict=True, gt=0, lt=2**32)]

_STM32_PIN = re.compile(r"^P([A-K])(\d{1,2})$")
_NRF_PIN = re.compile(r"^P([01])\.(\d{2})$")


class Table(BaseModel):
    """A table of board.toml: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Pin(Table):
    """A chip pin: port number (A or P0 is 0) and number within the port."""

    port: int
    number: int


def parse_pin(text: str) -> Pin:
    """Pin of an STM32 name ("PA2") or a Nordic one ("P0.06").

    Raises:
        ValueError: the name is neither.
    """
    if match := _STM32_PIN.match(text):
        port, limit = ord(match[1]) - ord("A"), 16
    elif match := _NRF_PIN.match(text):
        # nRF52840 product specification, chapter GPIO: P0.00 to P0.31, P1.00 to P1.15
        port, limit = int(match[1]), 32 if match[1] == "0" else 16
    else:
        raise ValueError(f"{text!r} is not a pin name like PA2 or P0.06")
    if int(match[2]) >= limit:
        raise ValueError(f"{text!r}: a port has pins 0 to {limit - 1}")
    return Pin(port=port, number=int(match[2]))
