"""Steps that take activations apart, put them together, or walk along a sequence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.steps import Codes, Step
from ppg_deploy.graph.lstm import LstmFactors


@dataclass(frozen=True, eq=False, kw_only=True)
class SliceStep(Step):
    """STRIDED_SLICE: the input's byte where it starts, and per axis of the output (size, distance in the input)."""

    start: int
    axes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class ConcatenateStep(Step):
    """CONCATENATION: `rows` times a run of every part; `parts` holds the bytes of a run and the codes of a constant."""

    rows: int
    parts: tuple[tuple[int, Codes | None], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class LstmStep(Step):
    """UNIDIRECTIONAL_SEQUENCE_LSTM.

    `weights` int8 (4, units, features) and `recurrent_weights` int8 (4, units, units) in the order input, forget, cell,
    output; `biases` int64 (4, units) with int32 values.
    """

    steps: int
    weights: Codes
    recurrent_weights: Codes
    biases: NDArray[np.int64]
    input_zero: int
    hidden_zero: int
    factors: LstmFactors
