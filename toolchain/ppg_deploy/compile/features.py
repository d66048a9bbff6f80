"""Which forms of the kernels a model needs: the macros of ppg_features.h. Everything else is compiled out."""

from collections.abc import Iterable, Sequence

from ppg_deploy.compile.kernels import Code
from ppg_deploy.compile.requantize import proven_factors
from ppg_deploy.compile.steps import Step, WeightedStep
from ppg_deploy.graph import DType

HEADER = "ppg_model_features.h"


def features_of(steps: Iterable[Step], codes: Sequence[Code]) -> tuple[str, ...]:
    """Sorted macros of all steps."""
    features = set().union(*(code.features for code in codes))
    for step in steps:
        if step.codes is not DType.INT8:
            continue
        if (step.low, step.high) != (-128, 127):
            features.add("PPG_USES_CLAMPS")
        if isinstance(step, WeightedStep) and proven_factors(step) is None:
            features.add("PPG_USES_GENERAL_FACTORS")
    return tuple(sorted(features))
