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
from ppg_deploy.compile.kernels.kronecker_wide import WideKroneckerConvolution
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

# The cheapest kernel of those that match is taken (choose.py), the earlier one of two that cost the same: the order
# matters for nothing else. The last kernel of a group computes every step of its kind.
KERNELS: tuple[Kernel, ...] = (
    # Convolutions.
    ThreesConvolution(),
    FivesConvolution(),
    QuadsConvolution(11),
    QuadsConvolution(14),
    ShortQuadsConvolution(),
    TriosConvolution(14),
    TriosConvolution(15),
    TriosConvolution(None),
    QuadsConvolution(None),
    KroneckerConvolution(halves=False),
    KroneckerConvolution(halves=True),
    WideKroneckerConvolution(halves=False),
    WideKroneckerConvolution(halves=True),
    WinogradConvolution(),
    ColumnsConvolution(),
    # Depthwise convolutions; straight lines are also those of ADD and MUL.
    Affine(),
    DepthwiseRows(9),
    DepthwiseRows(None),
    Depthwise3x3(),
    Depthwise(),
    # Dense layers.
    WideDense(),
    Dense(),
    # Two operands.
    Sum(),
    SumTables(),
    Product(),
    AddKernel(),
    MulKernel(),
    DifferenceKernel(),
    # Pools and sums.
    PoolRows(),
    Totals(),
    Pool(),
    ReduceKernel(),
    # Tables.
    Lookup(),
    SoftmaxKernel(),
    # Data that moves, sequences, matrices.
    Copy(),
    PadKernel(),
    TransposeKernel(),
    SliceKernel(),
    ConcatenateKernel(),
    LstmKernel(),
    BatchMatMulKernel(),
    L2NormKernel(),
    # int16 activations.
    ColumnsConvolution16(),
    Depthwise16(),
    Dense16(),
    Pool16(),
    AddKernel16(),
    MulKernel16(),
)


def candidates(step: Step) -> tuple[Kernel, ...]:
    """The kernels that can compute a step, in the order of KERNELS."""
    return tuple(
        kernel for kernel in KERNELS if kernel.activations in (None, step.codes) and kernel.matches(step)
    )
