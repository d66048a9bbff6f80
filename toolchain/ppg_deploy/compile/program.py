"""What is computed, and where it lies: steps in execution order over named storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ppg_deploy.compile.steps import Step


@dataclass(frozen=True)
class Program:
    """Steps in execution order over named storage. `input` and `output` are the caller's buffers.

    A step may read or write a view, which is storage from some byte on: `views` holds (storage, first byte) by name.
    `operator_of` numbers, for each step, the operator that it is a piece of, or that it is. `assembled` are the bytes
    of storage that several steps write a part of each, `kept` those of storage that holds its contents between runs.
    """

    steps: tuple[Step, ...]
    input: str
    output: str
    views: Mapping[str, tuple[str, int]]
    operator_of: tuple[int, ...]
    assembled: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)

    def origin(self, name: str) -> str:
        """The storage that a step's input lies in."""
        return self.views[name][0] if name in self.views else name

    def pieces_of(self, operator: int) -> list[int]:
        """Numbers of the steps that are pieces of an operator."""
        return [number for number, own in enumerate(self.operator_of) if own == operator]
