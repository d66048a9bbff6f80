"""Does it fit: before the link as far as that can be known, and after the link in the linker's words."""

import re

from ppg_deploy.boards import Board, list_boards
from ppg_deploy.errors import DoesNotFitError
from ppg_deploy.project import Manifest

_OVERFLOW = re.compile(r"region `(?P<region>\w+)' overflowed by (?P<bytes>\d+) bytes")

_SMALLER_MODEL = {
    "flash": "build with --optimize size, use a smaller model (fewer or narrower layers)",
    "ram": "build with --ram-budget, use a smaller model (a shorter window or narrower layers)",
}


def _region_bytes(board: Board, kind: str) -> int:
    return (board.code_memory if kind == "flash" else board.data_memory).size_bytes


def _what_to_try(board: Board, kind: str) -> str:
    larger = [
        f"{other.id} ({_region_bytes(other, kind)} bytes)"
        for other in list_boards()
        if _region_bytes(other, kind) > _region_bytes(board, kind)
    ]
    return f"{_SMALLER_MODEL[kind]}, or a board with more {kind}: {', '.join(larger) or 'none is shipped'}"


def check_arena_fits(board: Board, manifest: Manifest) -> None:
    """Refuse a model whose arena and stack alone exceed the RAM they have to share.

    Raises:
        DoesNotFitError: says by how many bytes.
    """
    ram = board.data_memory
    needed = manifest.arena_bytes + board.stack_bytes
    if needed > ram.size_bytes:
        raise DoesNotFitError(
            f"{board.name}: the model's arena ({manifest.arena_bytes} bytes) and the stack ({board.stack_bytes} bytes) "
            f"exceed {ram.name} ({ram.size_bytes} bytes) by {needed - ram.size_bytes} bytes, before any other data",
            hint=_what_to_try(board, "ram"),
        )


def overflow_in(output: str, board: Board) -> DoesNotFitError | None:
    """The error for regions that overflowed, from the linker's messages; None when none did."""
    kinds = {region.name: region for region in board.memory}
    found = {
        match["region"]: int(match["bytes"])
        for match in _OVERFLOW.finditer(output)
        if match["region"] in kinds
    }
    if not found:
        return None
    parts = [
        f"{kinds[name].kind} ({name}, {kinds[name].size_bytes} bytes) overflows by {count} bytes"
        for name, count in found.items()
    ]
    tries = [_what_to_try(board, kind) for kind in sorted({kinds[name].kind for name in found})]
    return DoesNotFitError(
        f"the firmware does not fit {board.name}: {', '.join(parts)}", hint="; ".join(tries)
    )
