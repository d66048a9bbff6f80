"""The fixed-point numbers of one int8 LSTM, for the reference and for the compiler.

Source: tensorflow/lite/micro/kernels/lstm_eval_common.cc and unidirectional_sequence_lstm.cc.
"""

import math
from dataclasses import dataclass

import numpy as np

from ppg_deploy.graph.arithmetic import quantize_multiplier
from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.operators import UnidirectionalSequenceLstm

# Sums in front of a gate are in steps of 2**-12, gates in steps of 2**-15.
_SUM_SCALE = 2.0**-12
_GATE_SCALE = 2.0**-15
# The tanh of the cell takes a left shift of at least 0: cell steps of 2**-12 and coarser.
SMALLEST_CELL_POWER = -12

Factor = tuple[int, int]


@dataclass(frozen=True)
class LstmFactors:
    """(multiplier, shift) of every requantisation; `input` and `recurrent` per gate.

    `forget` and `enter` scale the two products that add up to the cell, `expose` the one that gives the hidden state;
    `cell_shift` is the left shift in front of the tanh of the cell.
    """

    input: tuple[Factor, ...]
    recurrent: tuple[Factor, ...]
    forget: Factor
    enter: Factor
    expose: Factor
    cell_shift: int


def cell_power(scale: float) -> int | None:
    """Exponent of a scale that is a power of two, else None."""
    mantissa, exponent = math.frexp(scale)
    return exponent - 1 if mantissa == 0.5 else None


def lstm_factors(graph: Graph, operator: UnidirectionalSequenceLstm) -> LstmFactors:
    """The factors of an int8 LSTM whose cell scale is a power of two."""
    source, hidden = graph.tensors[operator.inputs[0]], graph.tensors[operator.output]
    cell_scale = graph.tensors[operator.cell].scale
    power = cell_power(cell_scale)
    assert power is not None
    return LstmFactors(
        input=tuple(_sum_factor(source.scale, graph.tensors[name].scale) for name in operator.input_weights),
        recurrent=tuple(
            _sum_factor(hidden.scale, graph.tensors[name].scale) for name in operator.recurrent_weights
        ),
        forget=quantize_multiplier(_GATE_SCALE),
        enter=quantize_multiplier(_GATE_SCALE * _GATE_SCALE / cell_scale),
        expose=quantize_multiplier(_GATE_SCALE * _GATE_SCALE / hidden.scale),
        cell_shift=power - SMALLEST_CELL_POWER,
    )


def _sum_factor(source_scale: float, weight_scale: float) -> Factor:
    # As a dense layer with one scale for all weights: the product of the scales is taken in single precision.
    product = float(np.float32(source_scale) * np.float32(weight_scale))
    return quantize_multiplier(product / _SUM_SCALE)
