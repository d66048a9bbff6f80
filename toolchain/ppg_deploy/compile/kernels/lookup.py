"""Functions of one code: ppg_lookup.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Kernel
from ppg_deploy.compile.steps import LookupStep, Step


class Lookup(Kernel):
    """A table of 256 codes."""

    name = "lookup"
    header = "ppg_lookup.h"
    files = ("ppg_lookup.c", "ppg_lookup.h")
    code_bytes = 250

    def matches(self, step: Step) -> bool:
        """True for functions of one code."""
        return isinstance(step, LookupStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input: every code is read before its own place is written."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Codes, four at a time."""
        return round(50 + 3.5 * step.output_bytes)

    def code(self, step: Step, in_place: bool) -> Code:
        """Table and count of ppg_lookup; C indexes the table with the code as an unsigned byte."""
        assert isinstance(step, LookupStep)
        del in_place
        return Code(
            "ppg_lookup",
            None,
            operands=(Array("table", np.roll(step.table, 128)), 0),
            trailing=(step.output_bytes,),
        )
