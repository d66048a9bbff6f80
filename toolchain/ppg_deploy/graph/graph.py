"""The graph: a frozen list of operators in execution order over named tensors."""

from collections.abc import Mapping
from dataclasses import dataclass

from ppg_deploy.graph.operators import Operator
from ppg_deploy.graph.tensor import Tensor


@dataclass(frozen=True)
class Graph:
    """One model. Operators stand in execution order; `tensors` holds every tensor they name.

    `tied` lists activations that get one range when the graph is quantised, because they play the same part in every
    step of a loop that was unrolled.
    """

    name: str
    tensors: Mapping[str, Tensor]
    operators: tuple[Operator, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tied: tuple[tuple[str, ...], ...] = ()

    @property
    def input(self) -> Tensor:
        """The only input tensor."""
        return self.tensors[self.inputs[0]]

    @property
    def output(self) -> Tensor:
        """The only output tensor."""
        return self.tensors[self.outputs[0]]

    def operands(self, operator: Operator) -> tuple[Tensor | None, ...]:
        """Input tensors of an operator; None where an optional input is absent."""
        return tuple(self.tensors[name] if name else None for name in operator.inputs)

    def consumers(self, tensor: str) -> tuple[Operator, ...]:
        """Operators that read a tensor."""
        return tuple(operator for operator in self.operators if tensor in operator.inputs)

    def producer(self, tensor: str) -> Operator | None:
        """Operator that writes a tensor; None for constants and graph inputs."""
        return next((operator for operator in self.operators if tensor in operator.outputs), None)

    @property
    def constant_bytes(self) -> int:
        """Bytes of all constants that some operator reads."""
        used = {name for operator in self.operators for name in operator.inputs if name}
        return sum(t.byte_size for name, t in self.tensors.items() if name in used and t.is_constant)
