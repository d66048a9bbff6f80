"""From executed instructions to estimated cycles: never a measured latency. See docs/timing-model.md."""

from ppg_deploy.timing.blocks import Block, instruction_count
from ppg_deploy.timing.cortex_m4 import CortexM4ZeroWaitState
from ppg_deploy.timing.model import TimingModel
from ppg_deploy.timing.profile import (
    RUN,
    FunctionCost,
    InferenceProfile,
    OperatorCost,
    Step,
    profile_inference,
)

_ZERO_WAIT_STATE = CortexM4ZeroWaitState()

TIMING_MODELS: dict[str, TimingModel] = {
    _ZERO_WAIT_STATE.name: _ZERO_WAIT_STATE,
}

# Dual issue and other load timing make the M4 table wrong for M7 and M33: a core without an entry gets no estimate.
DEFAULT_TIMING_MODELS: dict[str, str] = {
    "cortex-m4": _ZERO_WAIT_STATE.name,
}


def timing_model_for(cpu: str) -> TimingModel | None:
    """The model to use for a core ("cortex-m4"), or None when none describes it."""
    name = DEFAULT_TIMING_MODELS.get(cpu)
    return None if name is None else TIMING_MODELS[name]


__all__ = [
    "DEFAULT_TIMING_MODELS",
    "RUN",
    "TIMING_MODELS",
    "Block",
    "CortexM4ZeroWaitState",
    "FunctionCost",
    "InferenceProfile",
    "OperatorCost",
    "Step",
    "TimingModel",
    "instruction_count",
    "profile_inference",
    "timing_model_for",
]
