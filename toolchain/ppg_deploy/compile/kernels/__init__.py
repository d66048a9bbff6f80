"""The kernels, and which of them can compute a step."""

from ppg_deploy.compile.kernels.affine import Affine
from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.convolution import ColumnsConvolution
from ppg_deploy.compile.kernels.copy import Copy
from ppg_deploy.compile.kernels.dense import Dense
from ppg_deploy.compile.kernels.dense_wide import WideDense
from ppg_deploy.compile.kernels.depthwise import Depthwise
from ppg_deploy.compile.kernels.depthwise_3x3 import Depthwise3x3
from ppg_deploy.compile.kernels.depthwise_rows import DepthwiseRows
from ppg_deploy.compile.kernels.elementwise import AddKernel, MulKernel
from ppg_deploy.compile.kernels.equal_shapes import Product, Sum
from ppg_deploy.compile.kernels.few_values import FivesConvolution, ThreesConvolution
from ppg_deploy.compile.kernels.int16_convolution import ColumnsConvolution16
from ppg_deploy.compile.kernels.int16_dense import Dense16
from ppg_deploy.compile.kernels.int16_depthwise import Depthwise16
from ppg_deploy.compile.kernels.int16_elementwise import AddKernel16, MulKernel16
from ppg_deploy.compile.kernels.int16_pool import Pool16
from ppg_deploy.compile.kernels.kronecker import KroneckerConvolution
from ppg_deploy.compile.kernels.lookup import Lookup
from ppg_deploy.compile.kernels.pad import PadKernel
from ppg_deploy.compile.kernels.pool import Pool
from ppg_deploy.compile.kernels.pool_rows import PoolRows, Totals
from ppg_deploy.compile.kernels.quads import QuadsConvolution
from ppg_deploy.compile.kernels.quads_short import ShortQuadsConvolution
from ppg_deploy.compile.kernels.sequence import ConcatenateKernel, LstmKernel, SliceKernel
from ppg_deploy.compile.kernels.softmax import SoftmaxKernel
from ppg_deploy.compile.kernels.sum_tables import SumTables
from ppg_deploy.compile.kernels.tensor import (
    BatchMatMulKernel,
    DifferenceKernel,
    L2NormKernel,
    ReduceKernel,
    TransposeKernel,
)
from ppg_deploy.compile.kernels.trios import TriosConvolution
from ppg_deploy.compile.kernels.winograd import WinogradConvolution
from ppg_deploy.compile.steps import Step

__all__ = ["KERNELS", "Array", "Code", "Kernel", "Structure", "candidates"]

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
    ShortQuadsConvolution(),
    TriosConvolution(14),
    TriosConvolution(15),
    TriosConvolution(None),
    QuadsConvolution(None),
    KroneckerConvolution(),
    ColumnsConvolution(),
    WinogradConvolution(),
    Affine(),
    Sum(),
    SumTables(),
    Product(),
    DepthwiseRows(9),
    DepthwiseRows(None),
    Depthwise3x3(),
    Depthwise(),
    WideDense(),
    Dense(),
    PoolRows(),
    Totals(),
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
