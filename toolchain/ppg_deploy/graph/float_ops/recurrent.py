"""The LSTM in float32."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import Operator, UnidirectionalSequenceLstm

Floats = NDArray[np.float32]


def lstm(graph: Graph, operator: Operator, operands: list[Floats]) -> tuple[Floats, Floats]:
    """(hidden states, cell states), (N, steps, units) each."""
    assert isinstance(operator, UnidirectionalSequenceLstm)
    sequence = operands[0]
    weights, recurrent_weights, biases = operands[1:5], operands[5:9], operands[9:13]
    hidden = np.zeros((len(sequence), len(biases[0])), np.float32)
    cell = hidden
    hiddens, cells = [], []
    for step in range(sequence.shape[1]):
        entering, forget, candidate, exposing = (
            sequence[:, step] @ gate.T + hidden @ recurrent.T + bias
            for gate, recurrent, bias in zip(weights, recurrent_weights, biases, strict=True)
        )
        cell = _sigmoid(forget) * cell + _sigmoid(entering) * np.tanh(candidate)
        hidden = _sigmoid(exposing) * np.tanh(cell)
        hiddens.append(hidden)
        cells.append(cell)
    return np.stack(hiddens, axis=1), np.stack(cells, axis=1)


def _sigmoid(values: Floats) -> Floats:
    # The form with tanh overflows for no argument.
    return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * values) + np.float32(1.0)), np.float32)
