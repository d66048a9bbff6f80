"""The 24 inputs of UNIDIRECTIONAL_SEQUENCE_LSTM, of which the graph keeps 13.

The hidden and the cell state are variable tensors in the file. The graph has none: the hidden state has the parameters
of the output, the cell's stand on the operator's second output. Source: tensorflow/lite/micro/kernels/lstm_shared.h.
"""

from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import DType, Graph, Tensor
from ppg_deploy.graph.operators import Operator, UnidirectionalSequenceLstm

_INPUT = 0
_INPUT_WEIGHTS = slice(1, 5)
_RECURRENT_WEIGHTS = slice(5, 9)
_PEEPHOLES = slice(9, 12)
_BIASES = slice(12, 16)
_PROJECTION = slice(16, 18)
_HIDDEN_STATE, _CELL_STATE = 18, 19
# Variable tensors: they keep their contents from one inference to the next.
LSTM_STATES = (_HIDDEN_STATE, _CELL_STATE)
_LAYER_NORM = slice(20, 24)
_COUNT = 24


def lstm_inputs(graph: Graph, operator: UnidirectionalSequenceLstm) -> list[Tensor | None]:
    """Tensors in the file's order; None for the optional ones that are absent."""
    units = graph.tensors[operator.biases[0]].size
    hidden, cell = graph.tensors[operator.output], graph.tensors[operator.cell]
    inputs: list[Tensor | None] = [None] * _COUNT
    inputs[_INPUT] = graph.tensors[operator.inputs[0]]
    inputs[_INPUT_WEIGHTS] = [graph.tensors[name] for name in operator.input_weights]
    inputs[_RECURRENT_WEIGHTS] = [graph.tensors[name] for name in operator.recurrent_weights]
    inputs[_BIASES] = [graph.tensors[name] for name in operator.biases]
    inputs[_HIDDEN_STATE] = replace(hidden, name=f"{operator.output}/hidden state", shape=(1, units))
    inputs[_CELL_STATE] = replace(cell, shape=(1, units))
    return inputs


def read_lstm(
    options: Any, inputs: Sequence[str], outputs: Sequence[str], tensors: MutableMapping[str, Tensor]
) -> tuple[Operator, ...]:
    """UNIDIRECTIONAL_SEQUENCE_LSTM.

    Raises:
        UnsupportedModelError: a variant that the kernels do not compute.
    """
    names = [*inputs, *[""] * (_COUNT - len(inputs))]
    source, output = tensors[names[_INPUT]], outputs[0]
    for part, what in (
        (_PEEPHOLES, "peepholes"),
        (_PROJECTION, "a projection"),
        (_LAYER_NORM, "layer norms"),
    ):
        if any(names[part]):
            raise _refused(output, f"has {what}", "export a plain nn.LSTM")
    needed = (*names[_INPUT_WEIGHTS], *names[_RECURRENT_WEIGHTS], *names[_BIASES])
    if not all((*needed, names[_HIDDEN_STATE], names[_CELL_STATE])):
        raise _refused(output, "lacks weights of a gate or a state", "coupled gates are not supported")
    if options.timeMajor or len(source.shape) != 3 or source.shape[0] != 1:
        raise _refused(
            output, "is not batch-major with batch 1", "export with batch_first=True and batch size 1"
        )
    if options.cellClip or options.projClip or options.fusedActivationFunction != _TANH:
        raise _refused(
            output, "clips its state or has an activation other than TANH", "export a plain nn.LSTM"
        )
    state, cell = tensors[names[_HIDDEN_STATE]], tensors[names[_CELL_STATE]]
    if state.dtype is DType.INT8 and state.quantization != tensors[output].quantization:
        raise _refused(output, "and its hidden state have different scales", "quantise the model again")
    units = tensors[needed[-1]].size
    tensors[cell.name] = replace(cell, shape=(1, source.shape[1], units), data=None)
    return (UnidirectionalSequenceLstm(inputs=(names[_INPUT], *needed), outputs=(output, cell.name)),)


# ActivationFunctionType.TANH of schema.fbs.
_TANH = 4


def _refused(output: str, reason: str, hint: str) -> UnsupportedModelError:
    return UnsupportedModelError(f"UNIDIRECTIONAL_SEQUENCE_LSTM {output} {reason}", hint=hint)
