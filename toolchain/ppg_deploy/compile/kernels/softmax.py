"""SOFTMAX: ppg_softmax.h."""

import numpy as np

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.steps import SoftmaxStep, Step


class SoftmaxKernel(Kernel):
    """Softmax of rows, with a table of exponentials."""

    name = "softmax"
    header = "ppg_softmax.h"
    files = ("ppg_softmax.c", "ppg_softmax.h")
    code_bytes = 510

    def matches(self, step: Step) -> bool:
        """True for SOFTMAX."""
        return isinstance(step, SoftmaxStep)

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input: a row's codes are written after the row has been read."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Rows and codes."""
        assert isinstance(step, SoftmaxStep)
        return step.rows * (205 + 38 * step.columns)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_softmax."""
        assert isinstance(step, SoftmaxStep)
        del in_place
        exponentials = step.exponentials.astype(np.int32)
        parameters = Structure(
            "ppg_softmax_t",
            {
                "rows": step.rows,
                "columns": step.columns,
                "count": len(exponentials),
                "exponentials": Array("exponentials", exponentials),
            },
        )
        return Code("ppg_softmax", parameters)
