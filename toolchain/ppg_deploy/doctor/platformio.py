"""PlatformIO Core and SCons, as the build uses them: from this Python, without any download."""

import os
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ppg_deploy.ask import ask
from ppg_deploy.building.platformio import clean_environment, prepare_core
from ppg_deploy.doctor.finding import Finding, Level, version_line
from ppg_deploy.errors import EnvironmentProblem

GROUP = "build"
_HINT = "pip install --force-reinstall platformio scons"


def check_platformio() -> Finding:
    """PlatformIO starts in a process of its own and says its version."""
    found = _version("platformio")
    if found is None:
        return _finding("PlatformIO", Level.ERROR, "not installed in this Python", _HINT)
    with tempfile.TemporaryDirectory(prefix="ppg-deploy-") as folder:
        answer = ask(
            [sys.executable, "-m", "platformio", "--version"],
            environment=clean_environment(Path(folder), os.environ),
        )
    if not answer.succeeded:
        said = answer.problem or version_line(answer.output)
        return _finding("PlatformIO", Level.ERROR, f"version {found} does not run: {said}", _HINT)
    return _finding("PlatformIO", Level.OK, f"Core {found}", None)


def check_scons() -> Finding:
    """SCons is installed and can stand in for PlatformIO's package tool-scons."""
    found = _version("scons")
    if found is None:
        return _finding("SCons", Level.ERROR, "not installed in this Python", _HINT)
    answer = ask([sys.executable, "-c", "import SCons.Script"])
    if not answer.succeeded:
        said = answer.problem or version_line(answer.output[-200:])
        return _finding("SCons", Level.ERROR, f"version {found} cannot be imported: {said}", _HINT)
    try:
        with tempfile.TemporaryDirectory(prefix="ppg-deploy-") as folder:
            prepare_core(Path(folder))
    except (EnvironmentProblem, ImportError, KeyError) as error:
        return _finding("SCons", Level.ERROR, f"version {found}: {error}", _HINT)
    return _finding("SCons", Level.OK, f"version {found}", None)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _finding(check: str, level: Level, found: str, hint: str | None) -> Finding:
    return Finding(group=GROUP, check=check, level=level, found=found, hint=hint)
