"""UNIDIRECTIONAL_SEQUENCE_LSTM with int8 sequence, weights and hidden state, int16 gates and cell state.

Source of the formulas: tensorflow/lite/micro/kernels/{unidirectional_sequence_lstm,lstm_eval}.cc.
"""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.graph.arithmetic import multiply_by_quantized_multiplier
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.int16_gates import saturated16, sigmoid16, tanh16
from ppg_deploy.graph.lstm import lstm_factors
from ppg_deploy.graph.operators import Operator, UnidirectionalSequenceLstm

Codes = NDArray[np.int8]
Operands = list[NDArray[np.generic]]
Wide = NDArray[np.int64]


def lstm(graph: Graph, operator: Operator, operands: Operands) -> Codes:
    """Hidden states (N, steps, units); every window starts from zero state."""
    assert isinstance(operator, UnidirectionalSequenceLstm)
    factors = lstm_factors(graph, operator)
    hidden_zero = graph.tensors[operator.output].zero_point
    sequence = operands[0].astype(np.int64) - graph.tensors[operator.inputs[0]].zero_point
    weights, recurrent_weights, biases = operands[1:5], operands[5:9], operands[9:13]
    hidden = np.zeros((len(sequence), len(biases[0])), np.int64)
    cell = np.zeros_like(hidden)
    states = []
    for step in range(sequence.shape[1]):
        sums = []
        for gate in range(4):
            bias = biases[gate].astype(np.int64)
            of_input = _product(sequence[:, step], weights[gate]) + bias
            of_hidden = _product(hidden, recurrent_weights[gate])
            sums.append(
                saturated16(
                    saturated16(multiply_by_quantized_multiplier(of_input, *factors.input[gate]))
                    + saturated16(multiply_by_quantized_multiplier(of_hidden, *factors.recurrent[gate]))
                )
            )
        entering, forget, exposing = sigmoid16(sums[0]), sigmoid16(sums[1]), sigmoid16(sums[3])
        candidate = tanh16(sums[2], 0)
        kept = saturated16(multiply_by_quantized_multiplier(forget * cell, *factors.forget))
        added = saturated16(multiply_by_quantized_multiplier(entering * candidate, *factors.enter))
        cell = saturated16(kept + added)
        shown = multiply_by_quantized_multiplier(exposing * tanh16(cell, factors.cell_shift), *factors.expose)
        codes = np.clip(shown + hidden_zero, -128, 127)
        states.append(codes.astype(np.int8))
        hidden = codes - hidden_zero
    return np.stack(states, axis=1)


def _product(values: Wide, weights: NDArray[np.generic]) -> Wide:
    # float64 holds every sum of int8 products exactly, and its matrix product is far faster than int64's.
    exact = values.astype(np.float64) @ weights.T.astype(np.float64)
    return exact.astype(np.int64)
