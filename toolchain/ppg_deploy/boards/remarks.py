"""What a board.toml says in its comments: where figures come from, and which were checked."""

import re
from collections.abc import Sequence
from pathlib import Path

from ppg_deploy.shipped import shipped_folder

_TABLE = re.compile(r"^\[\[?([^\]]+)\]\]?\s*(?:#\s*(.*))?$")
# A comment begins at the first # outside of quotes.
_FIELD = re.compile(r"""^([A-Za-z0-9_-]+)\s*=\s*(?:"[^"]*"|'[^']*'|[^#"'])*#\s*(.*)$""")


def board_remarks(board_id: str, *, boards_dirs: Sequence[Path] = ()) -> tuple[tuple[str, str], ...]:
    """(table or field, comment) of each comment, in the file's order; comments on lines of their own have no name."""
    for folder in (*boards_dirs, shipped_folder("boards")):
        path = folder / board_id / "board.toml"
        if path.is_file():
            return _remarks(path.read_text(encoding="utf-8"))
    return ()


def _remarks(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    table = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("#"):
            found.append((table, line.lstrip("# ")))
        elif match := _TABLE.match(line):
            table = match[1]
            if match[2]:
                found.append((table, match[2]))
        elif match := _FIELD.match(line):
            found.append((f"{table}.{match[1]}" if table else match[1], match[2]))
    return tuple(found)
