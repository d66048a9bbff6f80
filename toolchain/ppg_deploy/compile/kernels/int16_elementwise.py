"""ADD and MUL of int16: ppg_elementwise16.h. Parameters are those of int8; the C functions differ."""

from ppg_deploy.compile.kernels.elementwise import AddKernel, MulKernel
from ppg_deploy.compile.steps import AddStep, MulStep, Step
from ppg_deploy.graph import DType

_HEADER = "ppg_elementwise16.h"
_FILES = (
    "ppg_elementwise.h",
    "ppg_elementwise16.c",
    "ppg_elementwise16.h",
    "ppg_requant16.h",
    "ppg_simd16.h",
)


class AddKernel16(AddKernel):
    """ADD with broadcasting.

    The short form holds: -2^15 << 15 is -2^30, its smallest accumulator, and the sum of two halves of that is again.
    """

    activations = DType.INT16
    name = "add16"
    header = _HEADER
    files = _FILES
    function = "ppg_add16"

    def matches(self, step: Step) -> bool:
        """True for ADD of int16."""
        return isinstance(step, AddStep)


class MulKernel16(MulKernel):
    """MUL with broadcasting.

    No short form: (-2^15)^2 is just beyond its largest accumulator.
    """

    activations = DType.INT16
    name = "mul16"
    header = _HEADER
    files = _FILES
    function = "ppg_mul16"
    may_be_short = False

    def matches(self, step: Step) -> bool:
        """True for MUL of int16."""
        return isinstance(step, MulStep)
