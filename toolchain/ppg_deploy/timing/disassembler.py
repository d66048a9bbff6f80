"""Capstone, imported on first use: a Thumb-2 disassembler for Cortex-M."""

from functools import cache
from typing import Any

from ppg_deploy.errors import EnvironmentProblem


@cache
def open_disassembler() -> Any:
    """A `capstone.Cs` for Thumb-2 with operand details.

    Raises:
        EnvironmentProblem: capstone is not installed.
    """
    try:
        import capstone
    except ImportError as error:
        raise EnvironmentProblem(
            "estimating cycles needs the package capstone, which is not installed",
            hint='pip install "ppg-deploy[emulator]"',
        ) from error
    disassembler = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    disassembler.detail = True
    return disassembler
