"""GRU -> the same few operators for every step of the sequence.

TFLM has no GRU. Unrolled, it runs in TFLM's own int8 operators, so the bytes on the device can be compared with TFLM's.
All steps read the same weights, and activations that play the same part in every step are tied: they get one range,
so that weights, biases and factors exist once.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.convert.layout import Layout
from ppg_deploy.convert.recurrent import check_plain, read_weights, sequence
from ppg_deploy.convert.slicing import concatenated
from ppg_deploy.graph.operators import (
    Add,
    Conv2D,
    FullyConnected,
    Logistic,
    Mul,
    Operator,
    StridedSlice,
    Sub,
    Tanh,
)

Floats = NDArray[np.float32]

# Each step is ten functions on the device (about 0.5 KB of code) and 14 operators (6 KB) in the file.
MAX_STEPS = 64


def convert_gru(node: Node, builder: GraphBuilder) -> None:
    """GRU of one direction that starts from zero state.

    Raises:
        UnsupportedModelError: as for LSTM, and more than MAX_STEPS steps.
    """
    check_plain(node, builder, ["Sigmoid", "Tanh"])
    source = sequence(node, builder)
    steps = builder.tensors[source].shape[1]
    if steps > MAX_STEPS:
        raise node.unsupported(
            f"{steps} steps, each of which is unrolled",
            f"shorten the sequence to {MAX_STEPS} steps with strided convolutions or pools, or use nn.LSTM",
        )
    layer = _Gru(node, builder, source)
    states = [layer.first_step()]
    for step in range(1, steps):
        states.append(layer.step(step, states[-1]))
    builder.tied.extend(tuple(names) for names in layer.parts.values())
    _define_states(node, builder, states)


@dataclass
class _Gru:
    """Emits one step after the other; `parts` collects the activations that play the same part in every step."""

    node: Node
    builder: GraphBuilder
    source: str
    parts: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weights, recurrent, bias, recurrent_bias = read_weights(self.node, self.builder)
        self.name = next(name for name in self.node.outputs if name)
        self.units = recurrent.shape[1]
        # Update gate z and reset gate r lie side by side; the candidate stands apart, in a range of its own.
        both = 2 * self.units
        self.reset_after = bool(self.node.attributes.get("linear_before_reset", 0))
        own_bias = np.zeros(self.units, np.float32)
        candidate_bias = bias[both:]
        if self.reset_after:
            own_bias = recurrent_bias[both:]
        else:
            candidate_bias = candidate_bias + recurrent_bias[both:]
        self.own_bias = self._constant("candidate/own bias", own_bias[None])
        self.of_gates = self._projected("gates", weights[:both], bias[:both] + recurrent_bias[:both])
        self.of_candidate = self._projected("candidate", weights[both:], candidate_bias)
        self.gates = (
            self._constant("gates/recurrent", recurrent[:both]),
            self._constant("gates/recurrent bias", np.zeros(both, np.float32)),
        )
        self.candidate = (
            self._constant("candidate/recurrent", recurrent[both:]),
            self._constant("candidate/recurrent bias", own_bias),
        )

    def _constant(self, name: str, values: Floats) -> str:
        return self.builder.new_tensor(f"{self.name}/{name}", values.shape, values)

    def _projected(self, name: str, weights: Floats, bias: Floats) -> str:
        """The whole sequence times the weights of some gates: (1, steps, rows of the weights)."""
        _, steps, features = self.builder.tensors[self.source].shape
        image = self.builder.reshaped(self.source, (1, 1, steps, features))
        output = self.builder.new_tensor(f"{self.name}/{name}", (1, 1, steps, len(weights)))
        inputs = (
            image,
            self._constant(f"{name}/weights", weights[:, None, None, :]),
            self._constant(f"{name}/bias", bias),
        )
        self.builder.emit(Conv2D(inputs=inputs, outputs=(output,)))
        return self.builder.reshaped(output, (1, steps, len(weights)))

    def _emit(self, kind: type[Operator], part: str, step: int, *inputs: str, width: int = 0) -> str:
        output = self.builder.new_tensor(f"{self.name}/{part}/{step}", (1, width or self.units))
        self.builder.emit(kind(inputs=inputs, outputs=(output,)))
        self.parts.setdefault(part, []).append(output)
        return output

    def _row(self, source: str, step: int) -> str:
        """One step of a sequence (1, steps, width) as (1, width)."""
        width = self.builder.tensors[source].shape[2]
        output = self.builder.new_tensor(f"{source}/{step}", (1, width))
        self.builder.emit(
            StridedSlice(
                inputs=(source,),
                outputs=(output,),
                begin=(0, step, 0),
                end=(1, step + 1, width),
                strides=(1, 1, 1),
                dropped=(1,),
            )
        )
        return output

    def _half(self, source: str, number: int) -> str:
        first = number * self.units
        output = self.builder.new_tensor(f"{source}/{number}", (1, self.units))
        self.builder.emit(
            StridedSlice(
                inputs=(source,),
                outputs=(output,),
                begin=(0, first),
                end=(1, first + self.units),
                strides=(1, 1),
            )
        )
        return output

    def first_step(self) -> str:
        """From zero state: h = n - z n."""
        gates = self._emit(Logistic, "opened", 0, self._row(self.of_gates, 0), width=2 * self.units)
        update, reset = self._half(gates, 0), self._half(gates, 1)
        total = self._row(self.of_candidate, 0)
        if self.reset_after:
            gated = self._emit(Mul, "gated", 0, reset, self.own_bias)
            total = self._emit(Add, "candidate sum", 0, total, gated)
        candidate = self._emit(Tanh, "new", 0, total)
        taken = self._emit(Mul, "first taken", 0, update, candidate)
        return self._emit(Sub, "state", 0, candidate, taken)

    def step(self, step: int, state: str) -> str:
        """h = n + z (h - n)."""
        both = 2 * self.units
        recurrent = self._emit(FullyConnected, "gates of state", step, state, *self.gates, width=both)
        total = self._emit(Add, "gate sum", step, self._row(self.of_gates, step), recurrent, width=both)
        gates = self._emit(Logistic, "opened", step, total, width=both)
        update, reset = self._half(gates, 0), self._half(gates, 1)
        if self.reset_after:
            own = self._emit(FullyConnected, "candidate of state", step, state, *self.candidate)
            added = self._emit(Mul, "gated", step, reset, own)
        else:
            kept = self._emit(Mul, "gated", step, reset, state)
            added = self._emit(FullyConnected, "candidate of state", step, kept, *self.candidate)
        total = self._emit(Add, "candidate sum", step, self._row(self.of_candidate, step), added)
        candidate = self._emit(Tanh, "new", step, total)
        change = self._emit(Sub, "change", step, state, candidate)
        taken = self._emit(Mul, "taken", step, update, change)
        return self._emit(Add, "state", step, candidate, taken)


def _define_states(node: Node, builder: GraphBuilder, states: list[str]) -> None:
    """ONNX outputs 0, all hidden states (steps, 1, 1, units), and 1, the last one (1, 1, units)."""
    units = builder.tensors[states[0]].shape[1]
    if node.outputs[0]:
        name = node.outputs[0]
        output = concatenated(builder, name, states, axis=1)
        rows = builder.reshaped(output, (1, len(states), units))
        builder.define(name, rows, Layout.row_major((len(states), 1, 1, units)))
    if len(node.outputs) > 1 and node.outputs[1]:
        builder.define(node.outputs[1], states[-1], Layout.row_major((1, 1, units)))
