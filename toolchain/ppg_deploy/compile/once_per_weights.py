"""Proofs are made once for all steps with the same weights: pieces of one operator, steps of an unrolled loop."""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from ppg_deploy.compile.steps import WeightedStep

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

_LARGEST_NUMBER_OF_RESULTS = 512


def once_per_weights(
    function: Callable[Concatenate[WeightedStep, Arguments], Result],
) -> Callable[Concatenate[WeightedStep, Arguments], Result]:
    """Remember results of a function that looks only at the numbers of a WeightedStep, not at its shapes.

    Its other arguments must be hashable, and nobody may change its results.
    """
    known: OrderedDict[object, tuple[tuple[Any, ...], Result]] = OrderedDict()

    @wraps(function)
    def remembered(step: WeightedStep, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        numbers = (step.multipliers, step.input_zero, step.output_zero, step.low, step.high)
        key = (id(step.weights), id(step.bias), numbers, args, tuple(kwargs.items()))
        if key not in known:
            # The arrays are kept alive beside the result, so that no other array can get their identity.
            known[key] = ((step.weights, step.bias), function(step, *args, **kwargs))
            if len(known) > _LARGEST_NUMBER_OF_RESULTS:
                known.popitem(last=False)
        return known[key][1]

    return remembered
