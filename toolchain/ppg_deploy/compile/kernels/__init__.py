"""The kernels, and the choice between those that compute the same step."""

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.convolution import ColumnsConvolution
from ppg_deploy.compile.kernels.copy import Copy
from ppg_deploy.compile.kernels.dense import Dense
from ppg_deploy.compile.kernels.dense_wide import WideDense
from ppg_deploy.compile.kernels.depthwise import Depthwise
from ppg_deploy.compile.kernels.elementwise import AddKernel, MulKernel
from ppg_deploy.compile.kernels.few_values import FivesConvolution, ThreesConvolution
from ppg_deploy.compile.kernels.int16_convolution import ColumnsConvolution16
from ppg_deploy.compile.kernels.int16_dense import Dense16
from ppg_deploy.compile.kernels.int16_depthwise import Depthwise16
from ppg_deploy.compile.kernels.int16_elementwise import AddKernel16, MulKernel16
from ppg_deploy.compile.kernels.int16_pool import Pool16
from ppg_deploy.compile.kernels.lookup import Lookup
from ppg_deploy.compile.kernels.pad import PadKernel
from ppg_deploy.compile.kernels.pool import Pool
from ppg_deploy.compile.kernels.quads import QuadsConvolution
from ppg_deploy.compile.kernels.sequence import ConcatenateKernel, LstmKernel, SliceKernel
from ppg_deploy.compile.kernels.softmax import SoftmaxKernel
from ppg_deploy.compile.kernels.tensor import (
    BatchMatMulKernel,
    DifferenceKernel,
    L2NormKernel,
    ReduceKernel,
    TransposeKernel,
)
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.steps import Step
from ppg_deploy.errors import InternalError

__all__ = ["KERNELS", "Array", "Code", "Kernel", "Structure", "candidates", "choose_kernel", "price"]

KERNELS: tuple[Kernel, ...] = (
    ColumnsConvolution16(),
    Depthwise16(),
    Dense16(),
    Pool16(),
    AddKernel16(),
    MulKernel16(),
    ThreesConvolution(),
    FivesConvolution(),
    QuadsConvolution(11),
    QuadsConvolution(14),
    QuadsConvolution(None),
    ColumnsConvolution(),
    Depthwise(),
    WideDense(),
    Dense(),
    Pool(),
    AddKernel(),
    MulKernel(),
    PadKernel(),
    TransposeKernel(),
    DifferenceKernel(),
    ReduceKernel(),
    BatchMatMulKernel(),
    L2NormKernel(),
    Lookup(),
    SoftmaxKernel(),
    Copy(),
    SliceKernel(),
    ConcatenateKernel(),
    LstmKernel(),
)


def candidates(step: Step) -> tuple[Kernel, ...]:
    """The kernels that can compute a step, in the order of KERNELS."""
    return tuple(
        kernel for kernel in KERNELS if kernel.activations in (None, step.codes) and kernel.matches(step)
    )


def choose_kernel(step: Step, optimize: Optimize) -> Kernel:
    """The matching kernel with the least predicted cycles plus price of its constants; the first one of equals.

    Raises:
        InternalError: no kernel matches, although the checks accepted the graph.
    """
    able = candidates(step)
    if not able:
        raise InternalError(f"no kernel computes {step.kind}", hint="report this model to the authors")
    if len(able) == 1:
        return able[0]
    return min(able, key=lambda kernel: price(kernel, step, optimize))


def price(kernel: Kernel, step: Step, optimize: Optimize) -> float:
    """Predicted cycles, and what the constants' bytes are worth in cycles."""
    constant_bytes = kernel.code(step, in_place=False).constant_bytes if optimize.cycles_per_byte else 0
    return kernel.predicted_cycles(step) + optimize.cycles_per_byte * constant_bytes
