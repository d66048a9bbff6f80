"""Files of a data set below the folder that the user names."""

import re
from collections.abc import Callable
from pathlib import Path

from ppg_deploy.errors import InputError

Wanted = Callable[[str], bool]
"""Whether a subject id is to be loaded; the others' files are not opened."""


def every_subject(subject: str) -> bool:  # noqa: ARG001
    """The choice of subjects that leaves none out."""
    return True


def matching_files(folder: Path, pattern: re.Pattern[str], what: str, hint: str) -> dict[Path, re.Match[str]]:
    """Files at any depth below `folder` whose name matches in full, with the match, in the order of their names.

    Numbers in names are ordered as numbers: S2 before S10.

    Raises:
        InputError: no such folder, no such file in it, or one file name at two places.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", hint=hint)
    found: dict[Path, re.Match[str]] = {}
    places: dict[str, Path] = {}
    for path in sorted(folder.rglob("*"), key=_natural):
        match = pattern.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        if path.name in places:
            raise InputError(
                f"{path.name} is there twice: {places[path.name]} and {path}",
                hint="name a folder that holds one copy of the data set",
            )
        places[path.name] = path
        found[path] = match
    if not found:
        raise InputError(f"{folder} holds no {what}", hint=hint)
    return found


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
