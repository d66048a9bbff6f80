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
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mul,
    Operator,
    Pad,
    Padding,
    Pool2D,
    Reshape,
)

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


def _no_fields(_options: Any) -> dict[str, Any]:
    return {}


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
        _dense_fields,
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
)
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
