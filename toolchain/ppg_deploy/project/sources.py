"""What a compile step hands over to be rendered into a firmware project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from ppg_deploy.errors import InternalError

Optimization = Literal["speed", "balanced", "size"]

_FILE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
_KERNEL_FILE = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Library:
    """Sources outside the project that are compiled where they lie: another project's, too many to copy.

    Attributes:
        folder: where they are on this machine.
        adapter: folder of firmware/ with our own sources for them, for src/<adapter>.
        sources: path below `folder` -> role.
        include_folders: relative to `folder`.
        defines: for the library and the whole project.
        common_flags: compiler flags added for the library.
        role_flags: added for the sources of a role, after `common_flags`.
        description: for reports.
        fingerprint: SHA-256 over its files, for the build id.
    """

    folder: Path
    adapter: str
    sources: Mapping[str, str]
    include_folders: tuple[str, ...]
    defines: tuple[str, ...]
    common_flags: tuple[str, ...]
    role_flags: Mapping[str, tuple[str, ...]]
    description: str
    fingerprint: str


@dataclass(frozen=True)
class ModelSources:
    """A model in C. It implements firmware/app/ppg_model_api.h and offers its sizes in `model.h`.

    Raises:
        InternalError: a file name or the hash is malformed, or `model.h` is missing.
    """

    runtime: str
    """Which runtime executes it: "aot" or "tflm"."""
    files: Mapping[str, str]
    """File name -> C text, for src/model."""
    model_sha256: str
    """SHA-256 of the model file that was compiled, hexadecimal."""
    kernel_files: tuple[str, ...]
    """Files of firmware/runtime that the model needs, relative to it; headers are always copied."""
    arena_bytes: int
    """Size of the one static buffer of intermediate results."""
    arena_symbol: str
    """C symbol of that buffer, for the size report."""
    optimize: Optimization = "balanced"
    """What its kernels were chosen for."""
    hop: int | None = None
    """New samples per channel that ppg_model_push takes; None without it."""
    ram_budget: int | None = None
    """Most bytes of the arena that were allowed."""
    library: Library | None = None
    """The runtime's own sources, when they are not ours; None for aot."""

    def __post_init__(self) -> None:
        for name in self.files:
            if not _FILE_NAME.match(name):
                raise InternalError(f"model file name {name!r} is malformed", hint="report this as a bug")
        for name in self.kernel_files:
            if not _KERNEL_FILE.match(name):
                raise InternalError(f"kernel file name {name!r} is malformed", hint="report this as a bug")
        if "model.h" not in self.files:
            raise InternalError("the compiled model has no model.h", hint="report this as a bug")
        if not _SHA256.match(self.model_sha256):
            raise InternalError("model_sha256 is not a SHA-256", hint="report this as a bug")
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))
