"""unicorn, QEMU and Renode: installed, of a version that works, and with the machines that boards name."""

import os
import re
import sys
from collections.abc import Sequence

from ppg_deploy.ask import ASK_SECONDS, ask, find_program
from ppg_deploy.boards import Board
from ppg_deploy.doctor.finding import Finding, Level, version_line
from ppg_deploy.doctor.packages import installed_version, optional_requirements
from ppg_deploy.ports import renode_program

GROUP = "emulators"
QEMU = "qemu-system-arm"
_EXTRA_HINT = 'pip install "ppg-deploy[emulator]"'
_QEMU_HINT = "sudo apt-get install qemu-system-arm"
_MACHINE = re.compile(r"^([a-z0-9][\w.-]*)\s{2,}\S", re.MULTILINE)


def check_unicorn() -> Finding:
    """unicorn can be imported and is the pinned version; 2.1.4 breaks memory hooks on Cortex-M."""
    installed = installed_version("unicorn")
    if installed is None:
        return _finding("unicorn", Level.WARNING, "not installed", _EXTRA_HINT)
    answer = ask([sys.executable, "-c", "import unicorn, capstone"])
    if not answer.succeeded:
        said = answer.problem or version_line(answer.output[-200:])
        return _finding("unicorn", Level.WARNING, f"{installed} cannot be imported: {said}", _EXTRA_HINT)
    pinned = next((r.pinned for r in optional_requirements() if r.name == "unicorn"), None)
    if pinned and installed != pinned:
        return _finding(
            "unicorn", Level.WARNING, f"{installed}, but ppg-deploy is made for {pinned}", _EXTRA_HINT
        )
    return _finding("unicorn", Level.OK, f"version {installed}", None)


def check_qemu(board: Board | None, known: Sequence[Board]) -> Finding:
    """qemu-system-arm and its machines for `board`, or for all `known` boards."""
    program = find_program(QEMU)
    if program is None:
        return _finding("QEMU", Level.WARNING, f"{QEMU} was not found on PATH", _QEMU_HINT)
    version = ask([program, "--version"])
    match = re.search(r"version (\d+(?:\.\d+)+)", version.output)
    if not version.succeeded or match is None:
        said = version.problem or f"says {version_line(version.output)!r}"
        return _finding("QEMU", Level.WARNING, f"{program} {said}", f"reinstall: {_QEMU_HINT}")
    machines = ask([program, "-machine", "help"])
    if not machines.succeeded:
        said = machines.problem or "does not list its machines"
        return _finding("QEMU", Level.WARNING, f"{program} {said}", f"reinstall: {_QEMU_HINT}")
    have = set(_MACHINE.findall(machines.output))
    boards = [one for one in (known if board is None else [board]) if one.emulators.qemu is not None]
    wanted = {one.emulators.qemu.machine: one.id for one in boards if one.emulators.qemu is not None}
    absent = [f"{machine} (board {name})" for machine, name in sorted(wanted.items()) if machine not in have]
    found = f"{program}, version {match[1]}"
    if wanted:
        present = sorted(machine for machine in wanted if machine in have)
        found += f"; machines: {', '.join(present) or 'none of ours'}"
    if absent:
        return _finding(
            "QEMU", Level.WARNING, f"{found}; without {', '.join(absent)}", "install a newer QEMU for these"
        )
    return _finding("QEMU", Level.OK, found, None)


def check_renode(given: str | None, board: Board | None = None, known: Sequence[Board] = ()) -> Finding:
    """Renode as `given`, as $RENODE says, or on PATH; and whether it models `board`, or which of all `known` boards."""
    named = given or os.environ.get(renode_program.VARIABLE)
    program = find_program(named or renode_program.PROGRAM)
    hint = renode_program.INSTALL_HINT
    if program is None:
        if named:
            return _finding("Renode", Level.WARNING, f"{named} is no program", hint)
        return _finding("Renode", Level.OK, "not installed (optional)", hint)
    version, answer = renode_program.ask_version(program, limit_s=ASK_SECONDS)
    if version is None:
        said = answer.problem or f"says {version_line(answer.output)!r} when asked for its version"
        return _finding("Renode", Level.WARNING, f"{program} {said}", hint)
    if renode_program.is_too_old(version):
        return _finding("Renode", Level.WARNING, f"{program}, version {version} is too old", hint)
    boards = [one.id for one in (known if board is None else [board]) if one.emulators.renode is not None]
    found = f"{program}, version {version}; boards: {', '.join(boards) or 'none of ours'}"
    return _finding("Renode", Level.OK, found, None)


def _finding(check: str, level: Level, found: str, hint: str | None) -> Finding:
    return Finding(group=GROUP, check=check, level=level, found=found, hint=hint)
