"""Predicted cycles of what several kernels do: measured on the emulated Cortex-M4, zero wait states, gcc 12.2 -O2."""

from ppg_deploy.compile.steps import Step


def copy_cycles(count: int) -> int:
    """A call of ppg_copy."""
    sixteens, rest = divmod(count, 16)
    fours, ones = divmod(rest, 4)
    return 25 + 15 * sixteens + 7 * fours + 7 * ones


def fill_cycles(count: int) -> int:
    """A call of ppg_fill."""
    sixteens, rest = divmod(count, 16)
    fours, ones = divmod(rest, 4)
    return 25 + 8 * sixteens + 5 * fours + 5 * ones


def clamp_cycles(step: Step) -> float:
    """The second pass over a finished output, where its limits are not those of int8."""
    return 2.75 * step.output_bytes if (step.low, step.high) != (-128, 127) else 0.0
