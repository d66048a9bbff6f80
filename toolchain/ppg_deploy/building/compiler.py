"""The Arm compiler, looked for before PlatformIO starts: PlatformIO alone would search the network for a minute."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ppg_deploy.errors import EnvironmentProblem

PREFIX_VARIABLE = "PPG_ARM_GCC_PREFIX"
"""Overrides the compiler: a prefix such as /opt/gcc/bin/arm-none-eabi- ."""

INSTALL_HINT = "sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
INSTALL_CPP_HINT = "sudo apt-get install libstdc++-arm-none-eabi-newlib"

_PROBE_SECONDS = 30


@dataclass(frozen=True)
class Compiler:
    """A working arm-none-eabi-gcc with its C library."""

    gcc: Path
    version: str
    """First line of `gcc --version`."""


def _ask(gcc: str, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            [gcc, *arguments], capture_output=True, text=True, check=True, timeout=_PROBE_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentProblem(f"{gcc} does not run: {error}", hint=INSTALL_HINT) from error
    return answer.stdout.strip()


def find_compiler() -> Compiler:
    """The compiler that PPG_ARM_GCC_PREFIX names, else arm-none-eabi-gcc on PATH.

    Raises:
        EnvironmentProblem: it is missing, does not run, or comes without newlib-nano.
    """
    prefix = os.environ.get(PREFIX_VARIABLE) or "arm-none-eabi-"
    gcc = shutil.which(prefix + "gcc")
    if gcc is None:
        raise EnvironmentProblem(f"the compiler {prefix}gcc was not found on PATH", hint=INSTALL_HINT)
    version = _ask(gcc, "--version").splitlines()
    if not Path(_ask(gcc, "-print-file-name=nano.specs")).is_absolute():
        raise EnvironmentProblem(f"{gcc} has no newlib-nano C library (nano.specs)", hint=INSTALL_HINT)
    return Compiler(gcc=Path(gcc), version=version[0] if version else "unknown")


def require_cpp(compiler: Compiler) -> None:
    """Make sure that `compiler` has a C++ library: Debian packs it apart, and the runtime tflm needs its headers.

    Raises:
        EnvironmentProblem: it has none.
    """
    gcc = str(compiler.gcc)
    gpp = gcc.removesuffix("gcc") + "g++"
    try:
        done = subprocess.run(
            [gpp, "-x", "c++", "-E", "-"],
            input="#include <cstddef>\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=_PROBE_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentProblem(f"{gpp} does not run: {error}", hint=INSTALL_CPP_HINT) from error
    if done.returncode != 0:
        raise EnvironmentProblem(f"{gpp} has no C++ library (no header <cstddef>)", hint=INSTALL_CPP_HINT)
