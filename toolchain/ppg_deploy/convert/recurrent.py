"""LSTM -> UNIDIRECTIONAL_SEQUENCE_LSTM."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.convert.layout import Layout, LayoutError
from ppg_deploy.graph.operators import StridedSlice, UnidirectionalSequenceLstm

Floats = NDArray[np.float32]

# ONNX stacks the gates input, output, forget, cell; TensorFlow Lite wants input, forget, cell, output.
_GATES = (0, 2, 3, 1)
_LSTM_ACTIVATIONS = ["Sigmoid", "Tanh", "Tanh"]
_PLAIN = "deploy one plain nn.LSTM or nn.GRU that starts from zero state"


def convert_lstm(node: Node, builder: GraphBuilder) -> None:
    """LSTM of one direction that starts from zero state.

    Raises:
        UnsupportedModelError: two or reversed directions, peepholes, clipping, other activations, a given state.
    """
    check_plain(node, builder, _LSTM_ACTIVATIONS)
    if node.attributes.get("input_forget", 0):
        raise node.unsupported("coupled input and forget gates", _PLAIN)
    if len(node.inputs) > 7 and node.inputs[7] and np.any(builder.required_constant(node, 7, "peepholes")):
        raise node.unsupported("peepholes", _PLAIN)
    if len(node.outputs) > 2 and node.outputs[2]:
        builder.refused[node.outputs[2]] = node.unsupported(
            "its last cell state is used", "use the hidden states"
        )
    weights, recurrent, bias, recurrent_bias = read_weights(node, builder)
    source, steps, units = sequence(node, builder), *_sizes(node, builder)
    name = node.outputs[0] or node.outputs[1]
    gates: dict[str, list[str]] = {"weights": [], "recurrent": [], "bias": []}
    blocks = {"weights": weights, "recurrent": recurrent, "bias": bias + recurrent_bias}
    for part, block in blocks.items():
        for gate, label in zip(_GATES, ("input", "forget", "cell", "output"), strict=True):
            rows = block[gate * units : (gate + 1) * units]
            gates[part].append(builder.new_tensor(f"{name}/{label}/{part}", rows.shape, rows))
    output = builder.new_tensor(name, (1, steps, units))
    cell = builder.new_tensor(f"{name}/cell", (1, steps, units))
    builder.emit(
        UnidirectionalSequenceLstm(
            inputs=(source, *gates["weights"], *gates["recurrent"], *gates["bias"]), outputs=(output, cell)
        )
    )
    define_states(node, builder, output)


def check_plain(node: Node, builder: GraphBuilder, activations: list[str]) -> None:
    """Refuse every variant of a recurrent layer that the graph cannot express."""
    direction = node.attributes.get("direction", "forward")
    if direction != "forward":
        raise node.unsupported(
            f"direction {direction}", "train with bidirectional=False: TFLM runs a sequence forward only"
        )
    given = [
        name.decode() if isinstance(name, bytes) else name
        for name in node.attributes.get("activations", activations)
    ]
    if given != activations:
        raise node.unsupported(f"activations {given}", f"only {activations} can be deployed")
    if node.attributes.get("clip", 0.0):
        raise node.unsupported("clipped gates", _PLAIN)
    if node.attributes.get("layout", 0):
        raise node.unsupported("batch-major layout", "export with torch.onnx.export, which writes layout 0")
    for index, name in enumerate(node.inputs[5:7], start=5):
        state = builder.constant(node, index)
        if name and (state is None or np.any(state)):
            raise node.unsupported("an initial state other than zero", _PLAIN)
    if len(node.inputs) > 4 and node.inputs[4]:
        lengths = builder.constant(node, 4)
        if lengths is None or int(lengths.reshape(-1)[0]) != builder.value(node, 0).shape[0]:
            raise node.unsupported("a sequence length of its own", "always use the whole window")


def read_weights(node: Node, builder: GraphBuilder) -> tuple[Floats, Floats, Floats, Floats]:
    """(weights, recurrent weights, bias, recurrent bias) of the only direction, gates stacked as ONNX does."""
    weights = builder.required_constant(node, 1, "weights").astype(np.float32)[0]
    recurrent = builder.required_constant(node, 2, "recurrent weights").astype(np.float32)[0]
    rows = len(weights)
    both = np.zeros(2 * rows, np.float32)
    if len(node.inputs) > 3 and node.inputs[3]:
        both = builder.required_constant(node, 3, "biases").astype(np.float32).reshape(-1)
    return weights, recurrent, both[:rows], both[rows:]


def sequence(node: Node, builder: GraphBuilder) -> str:
    """The input (steps, 1, features) as a graph tensor (1, steps, features).

    Raises:
        LayoutError: a time step's features do not lie side by side.
    """
    value = builder.value(node, 0)
    if len(value.shape) != 3 or value.shape[1] != 1:
        raise node.unsupported(f"input of shape {value.shape}", "use (steps, 1, features)")
    if not value.layout.same_order(Layout.row_major(value.shape)):
        raise LayoutError("the features of a time step do not lie side by side")
    return builder.viewed(value, (1, value.shape[0], value.shape[2]))


def _sizes(node: Node, builder: GraphBuilder) -> tuple[int, int]:
    return builder.value(node, 0).shape[0], int(node.attributes["hidden_size"])


def define_states(node: Node, builder: GraphBuilder, output: str) -> None:
    """ONNX outputs 0, all hidden states (steps, 1, 1, units), and 1, the last one (1, 1, units)."""
    _, steps, units = builder.tensors[output].shape
    if node.outputs[0]:
        builder.define(node.outputs[0], output, Layout.row_major((steps, 1, 1, units)))
    if len(node.outputs) > 1 and node.outputs[1]:
        last = builder.new_tensor(node.outputs[1], (1, 1, units))
        builder.emit(
            StridedSlice(
                inputs=(output,),
                outputs=(last,),
                begin=(0, steps - 1, 0),
                end=(1, steps, units),
                strides=(1, 1, 1),
            )
        )
        builder.define(node.outputs[1], last, Layout.row_major((1, 1, units)))
