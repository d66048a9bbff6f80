"""PlatformIO, driven so that it neither needs a network nor sees the user's own PlatformIO settings."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ppg_deploy.errors import EnvironmentProblem

BUILD_SECONDS = 300
"""Longest time that one build may take before it is ended."""

LIBRARY_BUILD_SECONDS = 1800
"""The same with a library of others: TFLM has about 500 files of C and C++."""

_SCONS_LAUNCHER = "import sys\nimport SCons.Script\nsys.exit(SCons.Script.main())\n"

# Variables that change what gcc or SCons do behind the project's back.
_FOREIGN_VARIABLES = frozenset(
    {
        "C_INCLUDE_PATH",
        "CPATH",
        "CPLUS_INCLUDE_PATH",
        "COMPILER_PATH",
        "DEPENDENCIES_OUTPUT",
        "GCC_EXEC_PREFIX",
        "LIBRARY_PATH",
        "SCONSFLAGS",
    }
)


@dataclass(frozen=True)
class Outcome:
    """How a run of PlatformIO ended."""

    exit_code: int
    output: str
    """Standard output and standard error together."""


def platformio_version() -> str:
    """Version of the installed PlatformIO Core.

    Raises:
        EnvironmentProblem: PlatformIO or SCons is not installed.
    """
    for module in ("platformio", "SCons"):
        if find_spec(module) is None:
            raise EnvironmentProblem(
                f"the Python package {module.lower()} is missing", hint="pip install platformio scons"
            )
    from platformio import __version__

    return str(__version__)


def core_folder(project_folder: Path) -> Path:
    """PlatformIO's own state for one project.

    It lies inside the project, so that two projects built at the same time share nothing, and goes away with it. It
    is keyed by PlatformIO's version: state of an older version would make PlatformIO ask the network for updates.
    """
    return project_folder / ".pio" / f"core-{platformio_version()}"


def prepare_core(core: Path) -> None:
    """Put a launcher of the installed SCons where PlatformIO expects its package `tool-scons`.

    PlatformIO accepts the package by owner and version in `.piopm` (platformio/package/manager/core.py); without it,
    it would download one.

    Raises:
        EnvironmentProblem: the folder cannot be written.
    """
    from platformio.dependencies import get_core_dependencies

    version = get_core_dependencies()["tool-scons"].lstrip("~^>=")
    package = core / "packages" / "tool-scons"
    if package.is_dir():
        return
    specification = {
        "owner": "platformio",
        "id": None,
        "name": "tool-scons",
        "requirements": None,
        "uri": None,
    }
    files = {
        "package.json": json.dumps(
            {
                "name": "tool-scons",
                "version": version,
                "description": "SCons of the running Python",
                "system": "*",
            }
        ),
        ".piopm": json.dumps(
            {"type": "tool", "name": "tool-scons", "version": version, "spec": specification}
        ),
        "scons.py": _SCONS_LAUNCHER,
        ".piokeep": "",
    }
    try:
        package.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=package.parent))
        for name, text in files.items():
            (temporary / name).write_text(text, encoding="utf-8")
        temporary.rename(package)
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot prepare {core}: {error.strerror}", hint="choose another folder with --out"
        ) from error


def clean_environment(core: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Environment of a PlatformIO call: `inherited` without what would change a build, plus our own settings."""
    kept = {
        name: value
        for name, value in inherited.items()
        if not name.startswith("PLATFORMIO_") and name not in _FOREIGN_VARIABLES
    }
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PLATFORMIO_CORE_DIR": str(core),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "No",
        "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "36500",
        "PLATFORMIO_SETTING_CHECK_PRUNE_SYSTEM_THRESHOLD": "0",
        "PLATFORMIO_SETTING_DISABLE_UDEV_RULES_CHECK": "Yes",
        "PLATFORMIO_DISABLE_PROGRESSBAR": "true",
        "PLATFORMIO_NO_ANSI": "true",
    }


def run_platformio(
    project_folder: Path, environment_name: str, *, verbose: bool, limit_s: int = BUILD_SECONDS
) -> Outcome:
    """`pio run` of one environment, with a time limit.

    Raises:
        EnvironmentProblem: PlatformIO is missing, cannot start, or did not end within `limit_s`.
    """
    # Not resolved: PlatformIO takes paths as given, and so does the linker script's pattern for src/model.
    folder = project_folder.absolute()
    core = core_folder(folder)
    prepare_core(core)
    command = [sys.executable, "-m", "platformio", "run", "-d", str(folder), "-e", environment_name]
    if verbose:
        command.append("-v")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=clean_environment(core, os.environ),
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentProblem(
            f"PlatformIO does not start: {error.strerror}", hint="pip install platformio"
        ) from error
    with process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise EnvironmentProblem(
                    f"the build in {folder} did not end within {limit_s} s",
                    hint="run it with --verbose",
                ) from error
            raise
    return Outcome(exit_code=process.returncode, output=output)
