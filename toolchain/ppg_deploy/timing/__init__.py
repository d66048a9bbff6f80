"""From executed instructions to estimated cycles: never a measured latency. See docs/timing-model.md."""

from ppg_deploy.errors import InputError
from ppg_deploy.timing.blocks import Block, instruction_count
from ppg_deploy.timing.calibrated import (
    FLASH_LINE_BYTES,
    STM32L4R5_120MHZ,
    CalibratedModel,
    Calibration,
)
from ppg_deploy.timing.cortex_m4 import CortexM4ZeroWaitState
from ppg_deploy.timing.model import TimingModel
from ppg_deploy.timing.profile import (
    RUN,
    FlashReader,
    FunctionCost,
    InferenceProfile,
    OperatorCost,
    Step,
    profile_inference,
)

_ZERO_WAIT_STATE = CortexM4ZeroWaitState()
_STM32L4R5 = CalibratedModel("stm32l4r5-120mhz-v1", _ZERO_WAIT_STATE, STM32L4R5_120MHZ)

TIMING_MODELS: dict[str, TimingModel] = {
    _ZERO_WAIT_STATE.name: _ZERO_WAIT_STATE,
    _STM32L4R5.name: _STM32L4R5,
}

# Dual issue and other load timing make the M4 table wrong for M7 and M33: a core without an entry gets no estimate.
DEFAULT_TIMING_MODELS: dict[str, str] = {
    "cortex-m4": _ZERO_WAIT_STATE.name,
}


def timing_model_for(cpu: str, name: str | None = None) -> TimingModel | None:
    """The model called `name`, by default the one of a core ("cortex-m4"); None when none describes the core.

    Raises:
        InputError: there is no model of this name for the core.
    """
    default = DEFAULT_TIMING_MODELS.get(cpu)
    if name is None:
        return None if default is None else TIMING_MODELS[default]
    # Every entry so far counts by the table of the Cortex-M4.
    if default is None or name not in TIMING_MODELS:
        known = ", ".join(TIMING_MODELS) if default is not None else "none"
        raise InputError(
            f"no timing model {name!r} for {cpu}", hint=f"models for this core: {known}; docs/timing-model.md"
        )
    return TIMING_MODELS[name]


__all__ = [
    "DEFAULT_TIMING_MODELS",
    "FLASH_LINE_BYTES",
    "RUN",
    "TIMING_MODELS",
    "Block",
    "CalibratedModel",
    "Calibration",
    "CortexM4ZeroWaitState",
    "FlashReader",
    "FunctionCost",
    "InferenceProfile",
    "OperatorCost",
    "Step",
    "TimingModel",
    "instruction_count",
    "profile_inference",
    "timing_model_for",
]
