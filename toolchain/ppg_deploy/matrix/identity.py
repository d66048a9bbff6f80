"""What a finished point depends on, as a hash: the same hash means that it need not run again."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import ppg_deploy
from ppg_deploy import files
from ppg_deploy.boards import Board, board_file
from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.matrix.sweep_file import ModelEntry
from ppg_deploy.shipped import shipped_folder
from ppg_deploy.versions import tool_versions

_PATHS = frozenset({"onnx", "tflite", "card", "calibration", "data"})


def hash_of(facts: Any) -> str:
    """SHA-256 of JSON-like facts; the order of keys does not matter."""
    return files.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode())


@cache
def code_sha256() -> str:
    """Hash of this package's and the firmware's sources: another version may give other figures.

    Not of the command line and of what looks at figures only when all points have ended.
    """
    package = Path(ppg_deploy.__file__).parent
    firmware = shipped_folder("firmware")
    return _hash_of_files(
        [
            *((path, package) for path in package.rglob("*") if _makes_figures(path.relative_to(package))),
            *((path, firmware) for path in firmware.rglob("*")),
        ]
    )


def _makes_figures(path: Path) -> bool:
    return path.parts[0] not in ("cli", "matrix", "shipped") or path.name == "worker.py"


@cache
def tree_sha256(folder: Path) -> str:
    """Hash of every file of a folder."""
    return _hash_of_files((path, folder) for path in folder.rglob("*"))


def _hash_of_files(paths: Iterable[tuple[Path, Path]]) -> str:
    total = hashlib.sha256()
    for path, root in sorted(paths):
        if path.is_file() and path.suffix != ".pyc" and ".git" not in path.parts:
            total.update(f"{path.relative_to(root).as_posix()} {files.sha256_of_file(path)}\n".encode())
    return total.hexdigest()


@cache
def tools_sha256() -> str:
    """Hash of our code, of the packages that reach the results, and of the compiler on this machine."""
    from ppg_deploy.building import find_compiler

    try:
        compiler = find_compiler().version
    except EnvironmentProblem:
        # Every point will say so; a sweep without a compiler must not be mistaken for one with.
        compiler = None
    return hash_of({"code": code_sha256(), "versions": tool_versions(), "compiler": compiler})


def model_identity(model: ModelEntry) -> str:
    """Of a quantised model: contents of its files and every option; not its name, and not where its files lie."""
    named = {name: getattr(model, name) for name in sorted(_PATHS)}
    return hash_of(
        {
            "files": {
                name: None if path is None else files.sha256_of_file(path) for name, path in named.items()
            },
            "options": model.model_dump(mode="json", exclude=set(_PATHS | {"name"})),
            "tools": tools_sha256(),
        }
    )


def board_identity(board: Board, boards_dirs: tuple[Path, ...]) -> str:
    """Of a board: its description, and what lies beside it for Renode."""
    platform = board_file(board.id, "renode.repl", boards_dirs=boards_dirs)
    return hash_of(
        {
            "board": board.model_dump(mode="json"),
            "renode": None if platform is None else files.sha256_of_file(platform),
        }
    )
