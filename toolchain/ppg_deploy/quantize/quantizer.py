"""Float graph + ranges -> int8 or int16x8 graph."""

from dataclasses import replace

from ppg_deploy.errors import InternalError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import Conv2D, DepthwiseConv2D, FullyConnected, Operator
from ppg_deploy.quantize.calibration import Calibration, Range
from ppg_deploy.quantize.int16 import check_int16_operators, symmetric_quantization_of_range
from ppg_deploy.quantize.ranges import activation_quantization, quantization_of_range
from ppg_deploy.quantize.weights import quantize_weights

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
    for operator in graph.operators:
        axis = _CHANNEL_AXIS.get(type(operator))
        if axis is None:
            continue
        source, weights, bias = (graph.tensors[name] for name in operator.inputs)
        if weights.name in tensors or bias.name in tensors:
            raise InternalError(
                f"weights {weights.name} are shared by two operators", hint="please report this model"
            )
        input_scale = parameters[source.name].scale[0]
        tensors[weights.name], tensors[bias.name] = quantize_weights(
            weights, bias, axis, input_scale, bias_type=DType.INT64 if wide else DType.INT32
        )
    return replace(graph, tensors=tensors)
