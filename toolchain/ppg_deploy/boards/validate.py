"""Every problem of a board.toml at once, each with its field and what to do about it."""

import difflib
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ppg_deploy.boards.catalogue import list_boards
from ppg_deploy.boards.schema import Board
from ppg_deploy.boards.uart import without_kinds
from ppg_deploy.errors import InputError
from ppg_deploy.shipped import shipped_folder

BOARD_FILE = "board.toml"
# Messages about several fields name them first: "gate.pin: ..."
_NAMED_FIELD = re.compile(r"([a-z0-9_.]+(?:, [a-z0-9_.]+)*): (.+)", re.DOTALL)
_FLASH_METHODS_HINT = "docs/flash.md lists the methods"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which file, at which field, and how to mend it."""

    file: str
    field: str
    message: str
    fix: str

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


def board_files(path: Path) -> tuple[Path, ...]:
    """The files that `path` means: a board.toml, a board's folder, or a folder of boards.

    Raises:
        InputError: there is none.
    """
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise InputError(f"{path} does not exist", hint="give a board.toml, or a folder that holds boards")
    if (path / BOARD_FILE).is_file():
        return (path / BOARD_FILE,)
    found = tuple(sorted(path.glob(f"*/{BOARD_FILE}")))
    if not found:
        raise InputError(
            f"{path} holds no {BOARD_FILE}, and no folder in it does",
            hint=f"put a board into {path / 'my-board' / BOARD_FILE}",
        )
    return found


def validate_board(path: Path) -> tuple[Problem, ...]:
    """What is wrong with one board.toml; empty when nothing is."""
    file = str(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return (Problem(file, "", f"cannot be read: {error.strerror}", "check the path and its permissions"),)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return (Problem(file, "", f"is not TOML: {error}", "mend the line that is named"),)
    problems = _name_problems(file, path, table)
    try:
        board = Board.model_validate(table)
    except ValidationError as error:
        return (*(_described(file, table, problem) for problem in error.errors()), *problems)
    return (*problems, *_content_problems(file, board))


def _described(file: str, table: dict[str, Any], problem: Any) -> Problem:
    """A problem that pydantic found, in our words."""
    location = _location(table, without_kinds(problem["loc"]))
    field = ".".join(location)
    match problem["type"]:
        case "missing":
            return Problem(file, field, "is missing", f"add {location[-1]} = ... {_where(location)}")
        case "extra_forbidden":
            known = _siblings(location)
            close = difflib.get_close_matches(location[-1], known, n=1)
            fix = (
                f"rename it to {close[0]}" if close else f"remove it; known here: {', '.join(sorted(known))}"
            )
            return Problem(file, field, "is no field of board.toml", fix)
        case "value_error":
            message = str(problem["msg"]).removeprefix("Value error, ")
            named = field
            if inner := _NAMED_FIELD.match(message):
                named, message = ".".join(filter(None, (field, inner[1]))), inner[2]
            return Problem(file, named, message, "docs/boards.md explains every field")
        case _:
            given = _shown(problem.get("input"))
            return Problem(
                file, field, f"{problem['msg']} (it is {given})", "docs/boards.md explains every field"
            )


def _where(location: list[str]) -> str:
    return f"to [{'.'.join(location[:-1])}]" if len(location) > 1 else "at the top of the file"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _location(table: dict[str, Any], parts: list[str]) -> list[str]:
    """Where the problem is in the file: pydantic also names the kind of a table that has several, such as uart."""
    found = []
    value: Any = table
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if isinstance(value, dict) and part not in value and not is_last:
            continue
        found.append(part)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit():
            value = value[int(part)]
    return found


def _siblings(location: list[str]) -> set[str]:
    """Names of the fields that the table around `location` may have."""
    models: list[Any] = [Board]
    for part in location[:-1]:
        if not part.isdigit():
            models = [
                inner
                for model in models
                if part in model.model_fields
                for inner in _models_in(model.model_fields[part].annotation)
            ]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _models_in(annotation: Any) -> list[Any]:
    """The model classes inside an annotation such as `Usb | None` or `tuple[MemoryRegion, ...]`."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def _name_problems(file: str, path: Path, table: dict[str, Any]) -> tuple[Problem, ...]:
    board_id = table.get("id")
    folder = path.absolute().parent.name
    if isinstance(board_id, str) and board_id != folder:
        return (
            Problem(
                file,
                "id",
                f"{board_id!r} differs from the folder's name {folder!r}",
                f"rename the folder to {board_id}, or write id = {folder!r}",
            ),
        )
    return ()


def _content_problems(file: str, board: Board) -> tuple[Problem, ...]:
    """What only the rest of the package can tell of a well-formed file."""
    from ppg_deploy.flash.methods import METHODS

    problems = []
    known_folders = sorted(
        path.name for path in (shipped_folder("firmware") / "bsp").iterdir() if path.is_dir()
    )
    for number, name in enumerate(board.bsp_folders):
        if name not in known_folders:
            problems.append(
                Problem(
                    file,
                    f"bsp_folders.{number}",
                    f"firmware/bsp has no folder {name!r}",
                    f"choose among {', '.join(known_folders)}, or write a family as docs/boards.md says",
                )
            )
    for number, name in enumerate(board.flashing.methods):
        if name not in METHODS:
            close = difflib.get_close_matches(name, METHODS, n=1)
            fix = f"write {close[0]!r}" if close else f"use one of {', '.join(METHODS)}"
            problems.append(
                Problem(
                    file,
                    f"flashing.methods.{number}",
                    f"{name!r} is no flash method; {_FLASH_METHODS_HINT}",
                    fix,
                )
            )
    for other in list_boards():
        shared = sorted(set(board.names()) & set(other.names()))
        # A board of the user's own may replace a shipped one, by having its id.
        if other.id != board.id and shared:
            problems.append(
                Problem(
                    file,
                    "aliases",
                    f"the shipped board {other.id} is called {', '.join(shared)}, too",
                    f"remove {', '.join(shared)}",
                )
            )
    return tuple(problems)
