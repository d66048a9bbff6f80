"""Finding a board by id or alias among the shipped folders and the user's own."""

import difflib
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from ppg_deploy.boards.schema import Board
from ppg_deploy.boards.uart import without_kinds
from ppg_deploy.errors import InputError
from ppg_deploy.shipped import shipped_folder


def read_board(path: Path) -> Board:
    """The board described by one board.toml.

    Raises:
        InputError: the file cannot be read, is not TOML, or a field is missing, unknown or out of range.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}", hint="check the folder of boards"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint="fix the line it names") from error
    try:
        board = Board.model_validate(table)
    except ValidationError as error:
        problems = "; ".join(
            ".".join(without_kinds(problem["loc"]) or ["board"]) + ": " + problem["msg"]
            for problem in error.errors()
        )
        raise InputError(f"{path}: {problems}", hint="docs/boards.md explains every field") from error
    if board.id != path.parent.name:
        raise InputError(
            f"{path}: id: {board.id!r} differs from the folder's name {path.parent.name!r}",
            hint="name the folder after the board's id",
        )
    return board


def list_boards(*, boards_dirs: Sequence[Path] = ()) -> tuple[Board, ...]:
    """Every known board, sorted by id. A board in `boards_dirs` replaces a shipped one with the same id.

    Raises:
        InputError: a board.toml is wrong, a folder of `boards_dirs` is missing, or two boards share a name.
    """
    boards: dict[str, Board] = {}
    for folder in (shipped_folder("boards"), *reversed(boards_dirs)):
        if not folder.is_dir():
            raise InputError(f"folder of boards {folder} does not exist", hint="check the path")
        for path in sorted(folder.glob("*/board.toml")):
            board = read_board(path)
            boards[board.id] = board
    owners: dict[str, str] = {}
    for board in boards.values():
        for name in board.names():
            if owners.setdefault(name, board.id) != board.id:
                raise InputError(
                    f"boards {owners[name]} and {board.id} are both called {name!r}",
                    hint="remove the alias from one of them",
                )
    return tuple(boards[board_id] for board_id in sorted(boards))


def board_file(board_id: str, name: str, *, boards_dirs: Sequence[Path] = ()) -> Path | None:
    """File `name` that lies beside the board.toml in use, or None; earlier folders of `boards_dirs` win."""
    for folder in (*boards_dirs, shipped_folder("boards")):
        if (folder / board_id / "board.toml").is_file():
            path = folder / board_id / name
            return path if path.is_file() else None
    return None


def load_board(name: str, *, boards_dirs: Sequence[Path] = ()) -> Board:
    """The board with this id or alias; upper and lower case are the same. Earlier folders of `boards_dirs` win.

    Raises:
        InputError: no such board (the message lists the known ones and the closest name), or a board.toml is wrong.
    """
    boards = list_boards(boards_dirs=boards_dirs)
    by_name = {known: board for board in boards for known in board.names()}
    wanted = name.lower()
    if wanted in by_name:
        return by_name[wanted]
    closest = difflib.get_close_matches(wanted, by_name, n=1)
    known = ", ".join(board.id + (f" (or {board.aliases[0]})" if board.aliases else "") for board in boards)
    raise InputError(
        f"unknown board {name!r}; known boards: {known}",
        hint=f"did you mean {closest[0]}?"
        if closest
        else "choose one of them, or name the folder of your own boards with --boards-dir",
    )
