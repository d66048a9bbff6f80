"""Each operator's TensorFlow Lite opcode, version and options, in both directions.

Versions are the lowest that the int8 kernels of TensorFlow Lite accept
(source: tensorflow/lite/tools/versioning/op_version.cc).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph.operators import (
    Activation,
    Add,
    AveragePool2D,
    BatchMatMul,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Elu,
    FullyConnected,
    Gelu,
    HardSwish,
    L2Normalization,
    LeakyRelu,
    Logistic,
    MaxPool2D,
    Mean,
    Mul,
    Operator,
    Pad,
    Padding,
    Pool2D,
    Reduction,
    Relu,
    Relu6,
    Reshape,
    Rsqrt,
    Softmax,
    SquaredDifference,
    StridedSlice,
    Sub,
    Sum,
    Tanh,
    Transpose,
    UnidirectionalSequenceLstm,
)
from ppg_deploy.tflite import recurrent, slicing

_ACTIVATIONS = {
    Activation.NONE: schema.ActivationFunctionType.NONE,
    Activation.RELU: schema.ActivationFunctionType.RELU,
    Activation.RELU6: schema.ActivationFunctionType.RELU6,
}
_PADDINGS = {Padding.SAME: schema.Padding.SAME, Padding.VALID: schema.Padding.VALID}


def _activation(code: int) -> Activation:
    for activation, value in _ACTIVATIONS.items():
        if value == code:
            return activation
    raise UnsupportedModelError(
        f"fused activation number {code} is not supported", hint="supported: none, RELU, RELU6"
    )


def _padding(code: int) -> Padding:
    return next(padding for padding, value in _PADDINGS.items() if value == code)


@dataclass(frozen=True)
class OperatorCodec:
    """How one operator is spelt in the flatbuffer.

    `fields` turns the options table into keyword arguments of the operator class.
    """

    operator: type[Operator]
    opcode: int
    version: int
    options_type: int
    options: Callable[[Any], Any]
    fields: Callable[[Any], dict[str, Any]]


def _convolution_options(operator: Conv2D) -> Any:
    options = schema.Conv2DOptionsT()
    options.padding = _PADDINGS[operator.padding]
    options.strideH, options.strideW = operator.stride
    options.dilationHFactor, options.dilationWFactor = operator.dilation
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    return options


def _convolution_fields(options: Any) -> dict[str, Any]:
    return {
        "stride": (options.strideH, options.strideW),
        "dilation": (options.dilationHFactor, options.dilationWFactor),
        "padding": _padding(options.padding),
        "activation": _activation(options.fusedActivationFunction),
    }


def _depthwise_options(operator: DepthwiseConv2D) -> Any:
    options = schema.DepthwiseConv2DOptionsT()
    options.padding = _PADDINGS[operator.padding]
    options.strideH, options.strideW = operator.stride
    options.dilationHFactor, options.dilationWFactor = operator.dilation
    options.depthMultiplier = operator.depth_multiplier
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    return options


def _depthwise_fields(options: Any) -> dict[str, Any]:
    return {**_convolution_fields(options), "depth_multiplier": options.depthMultiplier}


def _dense_options(operator: FullyConnected) -> Any:
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    return options


def _dense_fields(options: Any) -> dict[str, Any]:
    return {"activation": _activation(options.fusedActivationFunction)}


def _plain_dense_fields(options: Any) -> dict[str, Any]:
    if options.weightsFormat != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise UnsupportedModelError(
            f"FULLY_CONNECTED with weights of format {options.weightsFormat}",
            hint="convert the model without shuffled weights",
        )
    return _dense_fields(options)


def _add_options(operator: Add) -> Any:
    options = schema.AddOptionsT()
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    options.potScaleInt16 = False
    return options


def _mul_options(operator: Mul) -> Any:
    options = schema.MulOptionsT()
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    return options


def _pool_options(operator: Pool2D) -> Any:
    options = schema.Pool2DOptionsT()
    options.padding = _PADDINGS[operator.padding]
    options.filterHeight, options.filterWidth = operator.filter
    options.strideH, options.strideW = operator.stride
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    return options


def _pool_fields(options: Any) -> dict[str, Any]:
    return {
        "filter": (options.filterHeight, options.filterWidth),
        "stride": (options.strideH, options.strideW),
        "padding": _padding(options.padding),
        "activation": _activation(options.fusedActivationFunction),
    }


def _slice_options(operator: StridedSlice) -> Any:
    options = schema.StridedSliceOptionsT()
    options.shrinkAxisMask = sum(1 << axis for axis in operator.dropped)
    return options


def _concatenation_options(operator: Concatenation) -> Any:
    options = schema.ConcatenationOptionsT()
    options.axis = operator.axis
    return options


def _lstm_options(_operator: UnidirectionalSequenceLstm) -> Any:
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.TANH
    return options


def _sub_options(operator: Sub) -> Any:
    options = schema.SubOptionsT()
    options.fusedActivationFunction = _ACTIVATIONS[operator.activation]
    options.potScaleInt16 = False
    return options


def _reducer_options(operator: Reduction) -> Any:
    options = schema.ReducerOptionsT()
    options.keepDims = operator.keep_dims
    return options


def _reducer_fields(options: Any) -> dict[str, Any]:
    return {"keep_dims": bool(options.keepDims)}


def _batch_matmul_options(operator: BatchMatMul) -> Any:
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = operator.adjoint_first, operator.adjoint_second
    return options


def _batch_matmul_fields(options: Any) -> dict[str, Any]:
    return {"adjoint_first": bool(options.adjX), "adjoint_second": bool(options.adjY)}


def _l2_fields(options: Any) -> dict[str, Any]:
    if _activation(options.fusedActivationFunction) is not Activation.NONE:
        raise UnsupportedModelError(
            "L2_NORMALIZATION with a fused activation is not supported", hint="export without the activation"
        )
    return {}


def _no_fields(_options: Any) -> dict[str, Any]:
    return {}


def _no_options(_operator: Operator) -> Any:
    return None


def _leaky_options(operator: LeakyRelu) -> Any:
    options = schema.LeakyReluOptionsT()
    options.alpha = operator.alpha
    return options


def _gelu_options(operator: Gelu) -> Any:
    options = schema.GeluOptionsT()
    options.approximate = operator.approximate
    return options


def _softmax_options(operator: Softmax) -> Any:
    options = schema.SoftmaxOptionsT()
    options.beta = operator.beta
    return options


_OPCODE = schema.BuiltinOperator
_OPTIONS = schema.BuiltinOptions

CODECS: tuple[OperatorCodec, ...] = (
    OperatorCodec(
        Conv2D, _OPCODE.CONV_2D, 3, _OPTIONS.Conv2DOptions, _convolution_options, _convolution_fields
    ),
    OperatorCodec(
        DepthwiseConv2D,
        _OPCODE.DEPTHWISE_CONV_2D,
        3,
        _OPTIONS.DepthwiseConv2DOptions,
        _depthwise_options,
        _depthwise_fields,
    ),
    OperatorCodec(
        FullyConnected,
        _OPCODE.FULLY_CONNECTED,
        4,
        _OPTIONS.FullyConnectedOptions,
        _dense_options,
        _plain_dense_fields,
    ),
    OperatorCodec(Add, _OPCODE.ADD, 2, _OPTIONS.AddOptions, _add_options, _dense_fields),
    OperatorCodec(Mul, _OPCODE.MUL, 2, _OPTIONS.MulOptions, _mul_options, _dense_fields),
    OperatorCodec(
        AveragePool2D, _OPCODE.AVERAGE_POOL_2D, 2, _OPTIONS.Pool2DOptions, _pool_options, _pool_fields
    ),
    OperatorCodec(MaxPool2D, _OPCODE.MAX_POOL_2D, 2, _OPTIONS.Pool2DOptions, _pool_options, _pool_fields),
    OperatorCodec(Pad, _OPCODE.PAD, 2, _OPTIONS.PadOptions, lambda _: schema.PadOptionsT(), _no_fields),
    OperatorCodec(
        Reshape, _OPCODE.RESHAPE, 1, _OPTIONS.ReshapeOptions, lambda _: schema.ReshapeOptionsT(), _no_fields
    ),
    OperatorCodec(
        StridedSlice,
        _OPCODE.STRIDED_SLICE,
        2,
        _OPTIONS.StridedSliceOptions,
        _slice_options,
        _no_fields,
    ),
    OperatorCodec(
        Concatenation,
        _OPCODE.CONCATENATION,
        2,
        _OPTIONS.ConcatenationOptions,
        _concatenation_options,
        _no_fields,
    ),
    OperatorCodec(
        UnidirectionalSequenceLstm,
        _OPCODE.UNIDIRECTIONAL_SEQUENCE_LSTM,
        3,
        _OPTIONS.UnidirectionalSequenceLSTMOptions,
        _lstm_options,
        _no_fields,
    ),
    OperatorCodec(
        Transpose,
        _OPCODE.TRANSPOSE,
        2,
        _OPTIONS.TransposeOptions,
        lambda _: schema.TransposeOptionsT(),
        _no_fields,
    ),
    OperatorCodec(Sub, _OPCODE.SUB, 2, _OPTIONS.SubOptions, _sub_options, _dense_fields),
    OperatorCodec(
        SquaredDifference,
        _OPCODE.SQUARED_DIFFERENCE,
        2,
        _OPTIONS.SquaredDifferenceOptions,
        lambda _: schema.SquaredDifferenceOptionsT(),
        _no_fields,
    ),
    OperatorCodec(Mean, _OPCODE.MEAN, 2, _OPTIONS.ReducerOptions, _reducer_options, _reducer_fields),
    OperatorCodec(Sum, _OPCODE.SUM, 2, _OPTIONS.ReducerOptions, _reducer_options, _reducer_fields),
    OperatorCodec(Rsqrt, _OPCODE.RSQRT, 2, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(
        BatchMatMul,
        _OPCODE.BATCH_MATMUL,
        4,
        _OPTIONS.BatchMatMulOptions,
        _batch_matmul_options,
        _batch_matmul_fields,
    ),
    OperatorCodec(
        L2Normalization,
        _OPCODE.L2_NORMALIZATION,
        2,
        _OPTIONS.L2NormOptions,
        lambda _: schema.L2NormOptionsT(),
        _l2_fields,
    ),
    OperatorCodec(Relu, _OPCODE.RELU, 2, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(Relu6, _OPCODE.RELU6, 2, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(
        LeakyRelu,
        _OPCODE.LEAKY_RELU,
        2,
        _OPTIONS.LeakyReluOptions,
        _leaky_options,
        lambda options: {"alpha": float(options.alpha)},
    ),
    OperatorCodec(Elu, _OPCODE.ELU, 1, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(HardSwish, _OPCODE.HARD_SWISH, 1, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(Logistic, _OPCODE.LOGISTIC, 2, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(Tanh, _OPCODE.TANH, 2, _OPTIONS.NONE, _no_options, _no_fields),
    OperatorCodec(
        Gelu,
        _OPCODE.GELU,
        1,
        _OPTIONS.GeluOptions,
        _gelu_options,
        lambda options: {"approximate": bool(options.approximate)},
    ),
    OperatorCodec(
        Softmax,
        _OPCODE.SOFTMAX,
        2,
        _OPTIONS.SoftmaxOptions,
        _softmax_options,
        lambda options: {"beta": float(options.beta)},
    ),
)
# Operators whose file form differs from the graph's by more than options.
READERS: dict[int, Callable[..., tuple[Operator, ...]]] = {
    _OPCODE.SLICE: slicing.read_slice,
    _OPCODE.STRIDED_SLICE: slicing.read_strided_slice,
    _OPCODE.SPLIT: slicing.read_split,
    _OPCODE.SPLIT_V: slicing.read_split_v,
    _OPCODE.CONCATENATION: slicing.read_concatenation,
    _OPCODE.UNIDIRECTIONAL_SEQUENCE_LSTM: recurrent.read_lstm,
}
# Versions of the operators that have int16 activations.
INT16_VERSIONS: dict[type[Operator], int] = {
    Conv2D: 4,
    DepthwiseConv2D: 5,
    FullyConnected: 7,
    Add: 3,
    Mul: 4,
    AveragePool2D: 3,
    MaxPool2D: 3,
    Pad: 3,
    Reshape: 1,
}
BY_OPERATOR = {codec.operator: codec for codec in CODECS}
BY_OPCODE = {codec.opcode: codec for codec in CODECS}
OPCODE_NAMES: dict[int, str] = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
}
