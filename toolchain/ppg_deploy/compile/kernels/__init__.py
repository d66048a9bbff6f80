"""The kernels, in order of preference: the first that matches a step computes it."""

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.convolution import ColumnsConvolution
from ppg_deploy.compile.kernels.copy import Copy
from ppg_deploy.compile.kernels.dense import Dense
from ppg_deploy.compile.kernels.depthwise import Depthwise
from ppg_deploy.compile.kernels.elementwise import AddKernel, MulKernel
from ppg_deploy.compile.kernels.lookup import Lookup
from ppg_deploy.compile.kernels.pad import PadKernel
from ppg_deploy.compile.kernels.pool import Pool
from ppg_deploy.compile.kernels.sequence import ConcatenateKernel, LstmKernel, SliceKernel
from ppg_deploy.compile.kernels.softmax import SoftmaxKernel
from ppg_deploy.compile.kernels.tensor import (
    BatchMatMulKernel,
    DifferenceKernel,
    L2NormKernel,
    ReduceKernel,
    TransposeKernel,
)
from ppg_deploy.compile.steps import Step
from ppg_deploy.errors import InternalError

__all__ = ["KERNELS", "Array", "Code", "Kernel", "Structure", "choose_kernel"]

KERNELS: tuple[Kernel, ...] = (
    ColumnsConvolution(),
    Depthwise(),
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


def choose_kernel(step: Step) -> Kernel:
    """The first matching kernel.

    Raises:
        InternalError: no kernel matches, although the checks accepted the graph.
    """
    for kernel in KERNELS:
        if kernel.matches(step):
            return kernel
    raise InternalError(f"no kernel computes {step.kind}", hint="report this model to the authors")
