"""ppg-deploy boards: list, show and validate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ppg_deploy.cli.console import Output
from ppg_deploy.cli.options import BoardsDir, Json, Quiet
from ppg_deploy.errors import InputError

if TYPE_CHECKING:
    from ppg_deploy.boards import Board

boards = typer.Typer(
    name="boards",
    help="List the boards, show one with everything known about it, or check a board.toml of your own.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@boards.command("list")
def list_(boards_dir: BoardsDir = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Every known board on a line."""
    from ppg_deploy.boards import list_boards

    output = Output(quiet, False, as_json)
    known = list_boards(boards_dirs=boards_dir or ())
    output.json(json.dumps([_summary(board) for board in known], indent=2))
    output.text_table(
        f"{len(known)} boards",
        ("board", "MCU, core, clock", "flash, RAM", "flashed by", "emulators", "verified"),
        [
            (
                "\n  ".join(board.names()),
                f"{board.mcu}\n{board.core.cpu}\n{board.clock_hz / 1e6:g} MHz",
                f"{_size(board.code_memory.size_bytes)}\n{_size(board.data_memory.size_bytes)}",
                ", ".join(_methods(board)),
                ", ".join(_emulators(board)) or "none",
                _marks(board),
            )
            for board in known
        ],
    )
    output.note(
        "flashed by: the first is the default. flash, RAM: the regions that hold the image and its data. "
        "verified: what board.toml says was checked, see boards show ID"
    )


@boards.command()
def show(
    board: Annotated[str, typer.Argument(metavar="ID", help="Board id or alias.")],
    boards_dir: BoardsDir = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Everything about one board, with sources and whether they were checked."""
    from ppg_deploy.boards import load_board
    from ppg_deploy.boards.remarks import board_remarks

    output = Output(quiet, False, as_json)
    found = load_board(board, boards_dirs=boards_dir or ())
    facts = found.facts()
    remarks = board_remarks(found.id, boards_dirs=boards_dir or ())
    output.json(json.dumps(facts | {"remarks": remarks}, indent=2))
    output.text_table(f"{found.name} ({found.id})", ("field", "value"), _rows(facts))
    output.text_table("sources and checks, as board.toml says", ("of", "remark"), remarks)
    if found.power is not None:
        power = found.power
        output.note(
            f"power: {power.run_current_ma:g} mA at {power.supply_v:g} V, "
            + ("verified" if power.verified else "NOT verified: an estimate, never a measurement")
            + f"; source: {power.source}"
        )


@boards.command()
def validate(
    path: Annotated[
        Path, typer.Argument(metavar="FILE|DIR", help="A board.toml, its folder, or a folder of boards.")
    ],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a board.toml, or every one in a folder; exit code 2 when something is wrong."""
    from ppg_deploy.boards.validate import board_files, validate_board

    output = Output(quiet, False, as_json)
    files = board_files(path)
    problems = [problem for file in files for problem in validate_board(file)]
    output.json(
        json.dumps(
            {"files": [str(file) for file in files], "problems": [problem.as_json() for problem in problems]},
            indent=2,
        )
    )
    if problems:
        for problem in problems:
            where = f"{problem.file}: {problem.field}" if problem.field else problem.file
            output.note(f"{where}: {problem.message}\n    fix: {problem.fix}")
        raise InputError(
            f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''} in {len(files)} "
            f"file{'s' if len(files) > 1 else ''}, the first at "
            f"{problems[0].field or 'the file'}: {problems[0].message}",
            hint=problems[0].fix,
        )
    output.note(f"{len(files)} board{'s' if len(files) > 1 else ''} checked, no problem found")


def _summary(board: "Board") -> dict[str, Any]:
    return {
        "id": board.id,
        "aliases": list(board.aliases),
        "name": board.name,
        "mcu": board.mcu,
        "core": board.core.cpu,
        "clock_hz": board.clock_hz,
        "flash_bytes": board.code_memory.size_bytes,
        "ram_bytes": board.data_memory.size_bytes,
        "memory": [region.model_dump() for region in board.memory],
        "flash_methods": _methods(board),
        "emulators": _emulators(board),
        "usb": None if board.usb is None else board.usb.model_dump(),
        "verified": _verified(board.facts()),
    }


def _methods(board: "Board") -> list[str]:
    """Flash methods, the default first."""
    default = board.flashing.default_method
    return [default, *(method for method in board.flashing.methods if method != default)]


def _emulators(board: "Board") -> list[str]:
    return [name for name, settings in board.facts()["emulators"].items() if settings is not None]


def _verified(facts: dict[str, Any]) -> dict[str, bool | str]:
    """Every mark named `verified` in board.toml, by the table that it stands in."""
    marks: dict[str, bool | str] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            for inner, mark in value.items():
                if name == "verified":
                    marks[inner] = mark
                elif inner == "verified":
                    marks[name] = mark
    return marks


def _marks(board: "Board") -> str:
    return "\n".join(
        f"{name}: {'yes' if mark is True else 'no' if mark is False else mark}"
        for name, mark in _verified(board.facts()).items()
    )


def _rows(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in facts.items():
        field = f"{prefix}{name}"
        if isinstance(value, dict):
            rows += _rows(value, f"{field}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                rows += _rows(item, f"{field}.{item.get('name', len(rows))}.")
        else:
            rows.append((field, _text(name, value)))
    return rows


def _text(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(name, item) for item in value)
    if name in ("origin", "base", "enable_offset"):
        return f"0x{value:08X}" if value > 0xFFF else f"0x{value:X}"
    if name in ("vendor_id", "product_ids"):
        return f"{value:04x}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024:g} KiB"
