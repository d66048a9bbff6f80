"""The Arm compiler and its C library, asked as the build uses them."""

import os
import shutil
from pathlib import Path

from ppg_deploy.ask import ask
from ppg_deploy.building.compiler import INSTALL_HINT, PREFIX_VARIABLE
from ppg_deploy.doctor.finding import Finding, Level, version_line

GROUP = "compiler"
TESTED_MAJOR = 12
_CXX_HINT = "sudo apt-get install libstdc++-arm-none-eabi-newlib; only needed for --runtime tflm"


def _prefix() -> str:
    return os.environ.get(PREFIX_VARIABLE) or "arm-none-eabi-"


def check_gcc() -> Finding:
    """arm-none-eabi-gcc: there, running, and of a version that the tests know."""
    name = _prefix() + "gcc"
    gcc = shutil.which(name)
    if gcc is None:
        return _finding("gcc", Level.ERROR, f"{name} was not found on PATH", INSTALL_HINT)
    answer = ask([gcc, "-dumpfullversion"])
    number = answer.output.strip()
    if not answer.succeeded or not number.split(".")[0].isdigit():
        said = answer.problem or f"says {version_line(answer.output)!r} when asked for its version"
        return _finding("gcc", Level.ERROR, f"{gcc} {said}", f"reinstall it: {INSTALL_HINT}")
    if int(number.split(".")[0]) != TESTED_MAJOR:
        return _finding(
            "gcc",
            Level.WARNING,
            f"{gcc}, version {number}",
            f"ppg-deploy is tested with version {TESTED_MAJOR}; sizes and cycles will differ",
        )
    return _finding("gcc", Level.OK, f"{gcc}, version {number}", None)


def check_newlib() -> Finding:
    """newlib-nano, the C library that images are linked with."""
    gcc = shutil.which(_prefix() + "gcc")
    if gcc is None:
        return _finding("newlib-nano", Level.ERROR, "cannot be looked for without the compiler", INSTALL_HINT)
    answer = ask([gcc, "-print-file-name=nano.specs"])
    path = Path(answer.output.strip())
    # gcc prints the bare name of a file that it does not have.
    if answer.succeeded and path.is_absolute() and path.is_file():
        return _finding("newlib-nano", Level.OK, str(path), None)
    found = answer.problem or "nano.specs is missing"
    return _finding("newlib-nano", Level.ERROR, found, INSTALL_HINT)


def check_gxx() -> Finding:
    """arm-none-eabi-g++ with its library; only TensorFlow Lite Micro is C++."""
    gxx = shutil.which(_prefix() + "g++")
    if gxx is None:
        return _finding("g++ (tflm)", Level.WARNING, f"{_prefix()}g++ was not found on PATH", _CXX_HINT)
    answer = ask([gxx, "-print-file-name=libstdc++_nano.a"])
    if not answer.succeeded or not Path(answer.output.strip()).is_absolute():
        found = f"{gxx} {answer.problem or 'has no libstdc++_nano'}"
        return _finding("g++ (tflm)", Level.WARNING, found, _CXX_HINT)
    return _finding("g++ (tflm)", Level.OK, gxx, None)


def _finding(check: str, level: Level, found: str, hint: str | None) -> Finding:
    return Finding(group=GROUP, check=check, level=level, found=found, hint=hint)
