"""Operators of a model -> calls of MicroMutableOpResolver: exactly the operators used, in their narrowest form.

Method names were compared with TFLM's micro_mutable_op_resolver.h of 2022, 2025 and 2026; a tree is asked again for
each of them. Registrations for one type come from TFLM's kernels/{conv,depthwise_conv,fully_connected,add,mul,pooling,
softmax,batch_matmul,unidirectional_sequence_lstm}.h, where each of them exists without CMSIS-NN, too (as another name
of the general one); they are used when the tree's headers have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ppg_deploy.audit.model import AuditModel, AuditOperator
from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.tflm.tree import TflmTree

METHODS = {
    "ADD": "AddAdd",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "BATCH_MATMUL": "AddBatchMatMul",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "ELU": "AddElu",
    "FULLY_CONNECTED": "AddFullyConnected",
    "HARD_SWISH": "AddHardSwish",
    "L2_NORMALIZATION": "AddL2Normalization",
    "LEAKY_RELU": "AddLeakyRelu",
    "LOGISTIC": "AddLogistic",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MUL": "AddMul",
    "PAD": "AddPad",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "RSQRT": "AddRsqrt",
    "SLICE": "AddSlice",
    "SOFTMAX": "AddSoftmax",
    "SPLIT": "AddSplit",
    "SPLIT_V": "AddSplitV",
    "SQUARED_DIFFERENCE": "AddSquaredDifference",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "SUM": "AddSum",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}
NARROW = frozenset(
    [
        "ADD",
        "AVERAGE_POOL_2D",
        "BATCH_MATMUL",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "MUL",
        "SOFTMAX",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
    ]
)


@dataclass(frozen=True)
class ResolverCall:
    """One operator of the resolver; `registration` None stands for the method's own default."""

    kind: str
    method: str
    registration: str | None

    @property
    def argument(self) -> str:
        """What the method is called with, in C++."""
        return "" if self.registration is None else f"tflite::{self.registration}()"


def resolver_calls(model: AuditModel, tree: TflmTree) -> tuple[ResolverCall, ...]:
    """What the resolver of `model` has to know, each operator once, in order of first use.

    Raises:
        UnsupportedModelError: TFLM, or this tree of it, does not have an operator.
    """
    kinds = dict.fromkeys(operator.kind for operator in model.operators)
    calls = []
    for kind in kinds:
        method = METHODS.get(kind)
        if method is None:
            raise UnsupportedModelError(
                f"TFLM has no operator {kind}", hint="build this model with --runtime aot"
            )
        if method not in tree.methods:
            raise UnsupportedModelError(
                f"the TFLM tree {tree.folder} has no operator {kind} ({method})",
                hint="make a tree of a newer version of TFLM",
            )
        registration = None
        if kind in NARROW and tree.methods[method]:
            candidate = f"Register_{kind}_{_type(model, kind)}"
            registration = candidate if candidate in tree.registrations else None
        calls.append(ResolverCall(kind, method, registration))
    return tuple(calls)


def _type(model: AuditModel, kind: str) -> str | None:
    """INT8 or INT16 when all activations of all operators of this kind have that type; weights must be int8."""
    operators = [operator for operator in model.operators if operator.kind == kind]
    types = {name for operator in operators for name in _activation_types(model, operator)}
    weights = {found[0].type for operator in operators if (found := model.weights(operator)) is not None}
    if len(types) == 1 and weights <= {"INT8"}:
        return types.pop()
    return None


def _activation_types(model: AuditModel, operator: AuditOperator) -> Sequence[str]:
    tensors = [model.tensor(index) for index in (*operator.inputs, *operator.outputs)]
    return [tensor.type for tensor in tensors if tensor is not None and not tensor.is_constant]
