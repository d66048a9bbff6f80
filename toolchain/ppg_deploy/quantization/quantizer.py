"""Float graph + ranges -> int8 or int16x8 graph."""

from dataclasses import replace

from ppg_deploy.errors import InternalError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import (
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    Operator,
    UnidirectionalSequenceLstm,
)
from ppg_deploy.quantization.calibration import Calibration, Range
from ppg_deploy.quantization.int16 import check_int16_operators, symmetric_quantization_of_range
from ppg_deploy.quantization.ranges import activation_quantization, quantization_of_range
from ppg_deploy.quantization.recurrent import quantize_lstm
from ppg_deploy.quantization.weights import quantize_operand, quantize_weights

# Axis of the output channels in the weights. Source: TensorFlow Lite 8-bit quantization specification.
_CHANNEL_AXIS: dict[type[Operator], int] = {Conv2D: 0, DepthwiseConv2D: 3, FullyConnected: 0}


def quantize_graph(
    graph: Graph,
    calibration: Calibration,
    *,
    output_range: Range | None = None,
    activations: DType = DType.INT8,
) -> Graph:
    """Quantised graph with the same operators and tensor names; weights are int8 in any case.

    Args:
        graph: cleaned float graph.
        calibration: ranges of all its activations.
        output_range: forced range of the output, so that heart rates outside the calibration do not clip.
        activations: INT8, or INT16 with zero point 0 and int64 biases.

    Raises:
        UnsupportedModelError: an operator has no int16 form.
    """
    wide = activations is DType.INT16
    if wide:
        check_int16_operators(graph)
    of_range = symmetric_quantization_of_range if wide else quantization_of_range
    parameters = activation_quantization(graph, calibration.ranges, output_range, of_range)
    tensors: dict[str, Tensor] = {
        name: replace(graph.tensors[name], dtype=activations, quantization=quantization)
        for name, quantization in parameters.items()
    }
    # The steps of an unrolled loop share weights; their inputs are tied, so that one bias scale fits all.
    scales_of_shared: dict[tuple[str, str], float] = {}
    for operator in graph.operators:
        if isinstance(operator, UnidirectionalSequenceLstm):
            tensors.update(quantize_lstm(graph, operator, calibration.ranges, parameters))
            continue
        axis = _CHANNEL_AXIS.get(type(operator))
        if axis is None:
            continue
        source, weights, bias = (graph.tensors[name] for name in operator.inputs)
        input_scale = parameters[source.name].scale[0]
        known = scales_of_shared.setdefault((weights.name, bias.name), input_scale)
        if known != input_scale:
            raise InternalError(
                f"weights {weights.name} are shared by operators whose inputs have different scales",
                hint="please report this model",
            )
        if weights.name in tensors and bias.name in tensors:
            continue
        if weights.name in tensors or bias.name in tensors:
            raise InternalError(
                f"weights {weights.name} are shared, their bias is not", hint="please report this model"
            )
        tensors[weights.name], tensors[bias.name] = quantize_weights(
            weights, bias, axis, input_scale, bias_type=DType.INT64 if wide else DType.INT32
        )
    for name, tensor in graph.tensors.items():
        if name not in tensors and tensor.is_constant:
            tensors[name] = quantize_operand(tensor, activations, of_range)
    return replace(graph, tensors=tensors)
