"""Finding Renode, and asking for its version."""

import os
import re
import tempfile
from pathlib import Path

from ppg_deploy.ask import Answer, ask, find_program
from ppg_deploy.errors import EnvironmentProblem

PROGRAM = "renode"
VARIABLE = "RENODE"
OLDEST = (1, 15)
INSTALL_HINT = "install Renode 1.15 or newer from renode.io, or name it with --renode or $RENODE"
# "Renode v1.16.1.12345"; other versions are named beside it.
_VERSION = re.compile(r"Renode\D{0,12}?(\d+\.\d+(?:\.\d+)*)")
# Mono alone takes seconds on a busy machine.
_VERSION_LIMIT_S = 30.0


def renode_environment(temporary: str) -> dict[str, str]:
    """The environment to run Renode in, with `temporary` as its folder for temporary files.

    It must be a private one: at start and at exit, Renode deletes every folder `renode-*` in it whose suffix is not
    the number of a running process.
    """
    return {**os.environ, "TMPDIR": temporary}


def ask_version(program: str, *, limit_s: float) -> tuple[str | None, Answer]:
    """What `program --version` says: the version, like "1.16.1", or None; and the whole answer."""
    with tempfile.TemporaryDirectory(prefix="ppg-rn-") as temporary:
        answer = ask([program, "--version"], limit_s=limit_s, environment=renode_environment(temporary))
    match = _VERSION.search(answer.output)
    return (None if match is None or answer.problem is not None else match[1]), answer


def is_too_old(version: str) -> bool:
    """Whether the driver is not made for this version."""
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) < OLDEST


def find_renode(given: str | None) -> tuple[str, str]:
    """Path and version of Renode: what is `given`, else what $RENODE names, else on PATH.

    Raises:
        EnvironmentProblem: there is none, it does not run, or it is too old.
    """
    named = given or os.environ.get(VARIABLE)
    program = find_program(named or PROGRAM)
    if program is None:
        raise EnvironmentProblem(
            f"Renode was not found: {named} is no program" if named else "Renode is not installed",
            hint=INSTALL_HINT,
        )
    version, answer = ask_version(program, limit_s=_VERSION_LIMIT_S)
    if version is None:
        line = answer.output.strip().partition("\n")[0][:100]
        said = answer.problem or f"is not Renode: asked for its version, it says {line!r}"
        raise EnvironmentProblem(f"{program} {said}", hint=INSTALL_HINT)
    if is_too_old(version):
        raise EnvironmentProblem(
            f"{program} is version {version}; {'.'.join(map(str, OLDEST))} or newer is needed",
            hint=INSTALL_HINT,
        )
    # Absolute, because it is started in another folder.
    return str(Path(program).absolute()), version
