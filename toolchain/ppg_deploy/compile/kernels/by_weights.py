"""Remembers what is computed from a step's weights and scales: the pieces of a cut step share it."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from ppg_deploy.compile.steps import WeightedStep

Result = TypeVar("Result")
_KEPT = 64


class ByWeights(Generic[Result]):
    """A function of a step's weights, biases, multipliers, zero points and clamp."""

    def __init__(self, function: Callable[[WeightedStep], Result]) -> None:
        self._function = function
        # Arrays are told apart by their identity; keeping the step keeps their addresses taken.
        self._known: OrderedDict[tuple[object, ...], tuple[WeightedStep, Result]] = OrderedDict()

    def __call__(self, step: WeightedStep) -> Result:
        """The function's result for a step."""
        key = (
            id(step.weights),
            id(step.bias),
            step.multipliers,
            step.input_zero,
            step.output_zero,
            step.low,
            step.high,
        )
        if key not in self._known:
            self._known[key] = (step, self._function(step))
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[key][1]
