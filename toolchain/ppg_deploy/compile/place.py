"""An operator under check: what the refusals name."""

from ppg_deploy.errors import UnsupportedModelError
from ppg_deploy.graph import Graph, Tensor

HINT = "quantise the model to int8 with: ppg-deploy quantize"


class Place:
    """An operator of a graph, for naming it in messages."""

    def __init__(self, graph: Graph, number: int) -> None:
        self.graph = graph
        self.operator = graph.operators[number]
        self._number = number

    def refuse(self, tensor: str, reason: str, hint: str = HINT) -> UnsupportedModelError:
        """The error that says what is wrong with a tensor of this operator."""
        return UnsupportedModelError(
            f"operator {self._number} ({self.operator.kind}): tensor {tensor} {reason}", hint=hint
        )

    def tensor(self, name: str) -> Tensor:
        """The tensor of a name."""
        return self.graph.tensors[name]

    def require_shape(self, name: str, expected: tuple[int, ...]) -> None:
        """Refuse a tensor of another shape."""
        if self.tensor(name).shape != expected:
            raise self.refuse(
                name, f"has shape {self.tensor(name).shape}, expected {expected}", "export the model again"
            )


def check_factors(place: Place, factors: list[tuple[int, int]], largest_shift: int) -> None:
    """Refuse requantisation by more than 2**largest_shift."""
    if any(shift > largest_shift for _, shift in factors):
        raise place.refuse(place.operator.output, "has a scale far too small for its inputs")
