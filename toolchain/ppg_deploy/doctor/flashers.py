"""Programs that flash, as a board's methods need them."""

from collections.abc import Sequence

from ppg_deploy.ask import ask, find_program
from ppg_deploy.boards import Board
from ppg_deploy.doctor.finding import Finding, Level, version_line
from ppg_deploy.flash.methods import CUSTOM, METHODS, Method, alternatives

GROUP = "flashing"
_VERSION_OPTIONS = {"bossac": "--help", "JLinkExe": "-?"}


def check_flashers(board: Board | None, known: Sequence[Board]) -> tuple[Finding, ...]:
    """One finding a method of `board`, or of all `known` boards.

    A missing tool is an error only for the default method of `board`: flash and bench would stop there.
    """
    boards = known if board is None else (board,)
    names = dict.fromkeys(name for one in boards for name in one.flashing.methods if name in METHODS)
    return tuple(_check(METHODS[name], board) for name in names if name != CUSTOM)


def _check(method: Method, board: Board | None) -> Finding:
    is_default = board is not None and board.flashing.default_method == method.name
    check = method.name + (" (default)" if is_default else "")
    missing = Level.ERROR if is_default else Level.WARNING
    others = f"; {alternatives(board, method)}" if board is not None and is_default else ""
    if not method.programs:
        return _finding(check, Level.OK, f"needs no program: {method.title}", None)
    versions = []
    for name in method.programs:
        path = find_program(name, variable=method.variable)
        if path is None:
            return _finding(check, missing, f"{name} was not found on PATH", method.install + others)
        answer = ask([path, _VERSION_OPTIONS.get(name, "--version")])
        if answer.problem is not None:
            return _finding(
                check, missing, f"{path} {answer.problem}", f"reinstall: {method.install}{others}"
            )
        versions.append(f"{path}: {_version_of(answer.output)}")
    return _finding(check, Level.OK, "; ".join(versions), None)


def _version_of(output: str) -> str:
    """The line that looks like a version, else the first one."""
    for line in output.splitlines():
        if "version" in line.lower() and any(letter.isdigit() for letter in line):
            return version_line(line)
    return version_line(output)


def _finding(check: str, level: Level, found: str, hint: str | None) -> Finding:
    return Finding(group=GROUP, check=check, level=level, found=found, hint=hint)
