"""What surrounds the model in a firmware project: which sources of firmware/, and which language it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Dialect = Literal["ppg", "eembc", "eembc-energy"]


@dataclass(frozen=True)
class Application:
    """Sources that answer the host.

    Attributes:
        dialect: what they answer: our own protocol, or EEMBC's commands with times or with edges on a pin.
        folders: folders of firmware/ that become src/<name>, with what they are.
        files: single files of firmware/ for src/, besides.
        headers: name -> text, rendered for include/.
    """

    dialect: Dialect
    folders: Mapping[str, str]
    files: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


BENCH_APPLICATION = Application(
    dialect="ppg", folders={"app": "the bench application", "protocol": "the wire protocol"}
)
