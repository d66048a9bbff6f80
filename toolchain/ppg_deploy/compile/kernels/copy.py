"""A model whose output is its input: ppg_copy of ppg_memory.h."""

from ppg_deploy.compile.kernels.base import Code, Kernel
from ppg_deploy.compile.kernels.costs import copy_cycles
from ppg_deploy.compile.steps import CopyStep, Step


class Copy(Kernel):
    """Copies the input to the output."""

    activations = None
    name = "copy"
    header = "ppg_memory.h"
    files = ()

    def matches(self, step: Step) -> bool:
        """True for the copy that lowering adds."""
        return isinstance(step, CopyStep)

    def predicted_cycles(self, step: Step) -> int:
        """One call."""
        return copy_cycles(step.output_bytes)

    def code(self, step: Step, in_place: bool) -> Code:
        """A call of ppg_copy."""
        assert isinstance(step, CopyStep) and not in_place
        return Code("ppg_copy", None, trailing=(step.output_bytes,), output_first=True)
