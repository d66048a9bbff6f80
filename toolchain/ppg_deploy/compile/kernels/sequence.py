"""STRIDED_SLICE, CONCATENATION, UNIDIRECTIONAL_SEQUENCE_LSTM."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import copy_cycles
from ppg_deploy.compile.requantize import general_factor
from ppg_deploy.compile.sequence_steps import ConcatenateStep, LstmStep, SliceStep
from ppg_deploy.compile.steps import Step

_SLICE_AXES = 4
_CELL_BYTES = 2


class SliceKernel(Kernel):
    """Any slice of up to 4 axes."""

    name = "slice"
    header = "ppg_slice.h"
    files = ("ppg_slice.c", "ppg_slice.h")

    def matches(self, step: Step) -> bool:
        """True for STRIDED_SLICE."""
        return isinstance(step, SliceStep)

    def predicted_cycles(self, step: Step) -> int:
        """Runs that lie side by side, or single codes."""
        assert isinstance(step, SliceStep)
        size, distance = step.axes[-1] if step.axes else (1, 1)
        runs = step.output_bytes // size
        return 60 + runs * (copy_cycles(size) + 12 if distance == 1 else 20 + 7 * size)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_slice."""
        assert isinstance(step, SliceStep) and not in_place
        axes = ((1, 1),) * (_SLICE_AXES - len(step.axes)) + step.axes
        parameters = Structure(
            "ppg_slice_t",
            {
                "start": step.start,
                "size": tuple(size for size, _ in axes),
                "step": tuple(distance for _, distance in axes),
            },
        )
        return Code("ppg_slice", parameters)


class ConcatenateKernel(Kernel):
    """Any number of parts, constants among them."""

    name = "concatenate"
    header = "ppg_concatenate.h"
    files = ("ppg_concatenate.c", "ppg_concatenate.h")

    def matches(self, step: Step) -> bool:
        """True for CONCATENATION."""
        return isinstance(step, ConcatenateStep)

    def predicted_cycles(self, step: Step) -> int:
        """Runs."""
        assert isinstance(step, ConcatenateStep)
        return 40 + step.rows * sum(15 + copy_cycles(run) for run, _ in step.parts)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_concatenate."""
        assert isinstance(step, ConcatenateStep) and not in_place
        operands: list[int | Array] = []
        for number, (_, codes) in enumerate(step.parts):
            if codes is None:
                operands.append(sum(not isinstance(operand, Array) for operand in operands))
            else:
                operands.append(Array(f"part{number}", codes.reshape(-1)))
        parameters = Structure(
            "ppg_concatenate_t",
            {
                "runs": Array("runs", np.array([run for run, _ in step.parts], np.int32)),
                "parts": len(step.parts),
                "rows": step.rows,
            },
        )
        return Code("ppg_concatenate", parameters, tuple(operands), gathered=True)


class LstmKernel(Kernel):
    """An LSTM over a sequence, from zero state."""

    name = "lstm"
    header = "ppg_lstm.h"
    files = ("ppg_lstm.c", "ppg_lstm.h")

    def matches(self, step: Step) -> bool:
        """True for UNIDIRECTIONAL_SEQUENCE_LSTM."""
        return isinstance(step, LstmStep)

    def scratch_bytes(self, step: Step, in_place: bool) -> int:
        """The cell."""
        assert isinstance(step, LstmStep) and not in_place
        return _CELL_BYTES * int(step.biases.shape[1])

    def predicted_cycles(self, step: Step) -> int:
        """Products, and the requantisations and gates of each unit."""
        assert isinstance(step, LstmStep)
        _, units, features = step.weights.shape
        return int(step.steps * units * (8 * (units + features) + 800))

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters and weights of ppg_lstm."""
        assert isinstance(step, LstmStep) and not in_place
        factors = step.factors
        ordered = [
            factor
            for pair in zip(factors.input, factors.recurrent, strict=True)
            for factor in (pair[0], pair[1])
        ]
        ordered += [factors.forget, factors.enter, factors.expose]
        words = [word for factor in ordered for word in general_factor(*factor).words]
        parameters = Structure(
            "ppg_lstm_t",
            {
                "weights": Array("weights", _rows(step.weights)),
                "recurrent_weights": Array("recurrent", _rows(step.recurrent_weights)),
                "biases": Array("biases", _folded_biases(step)),
                "factors": Array("factors", np.array(words, np.int32)),
                "steps": step.steps,
                "features": step.weights.shape[2],
                "units": step.biases.shape[1],
                "hidden_zero": step.hidden_zero,
                "cell_shift": factors.cell_shift,
            },
        )
        return Code("ppg_lstm", parameters)


def _rows(weights: NDArray[np.int8]) -> NDArray[np.int32]:
    """(gates, units, values) -> words (units, values / 4, gates) of 4 weights each, zeros behind the last value."""
    gates, units, count = weights.shape
    padded = np.pad(weights, ((0, 0), (0, 0), (0, -count % 4)))
    blocks = padded.reshape(gates, units, -1, 4).transpose(1, 2, 0, 3)
    return np.ascontiguousarray(blocks).view("<i4").astype(np.int32).reshape(-1)


def _folded_biases(step: LstmStep) -> NDArray[np.int32]:
    """Biases [unit][of the sequence, of the hidden state][gate], zero points taken into account."""
    of_input = step.biases - step.input_zero * step.weights.astype(np.int64).sum(axis=2)
    of_hidden = -step.hidden_zero * step.recurrent_weights.astype(np.int64).sum(axis=2)
    pairs = np.stack([of_input, of_hidden]).transpose(2, 0, 1)
    return ((pairs + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32).reshape(-1)
