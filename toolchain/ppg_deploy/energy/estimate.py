"""`energy_estimated`: what an inference would take if the board's documented run current were true of it."""

from typing import TYPE_CHECKING

from ppg_deploy.boards import Power
from ppg_deploy.energy.schema import EnergyEstimated

if TYPE_CHECKING:
    # The report holds these objects: its schema imports ours.
    from ppg_deploy.report.schema import Cost

_ESTIMATED_CYCLES = "cycles_estimated are right, which are an estimate themselves; see docs/timing-model.md"
_ASSUMPTIONS = (
    "the documented run current holds for this code and its memory accesses",
    "the supply is as documented, and nothing but the chip hangs on it: no probe, regulator, LED, sensor or radio",
    "no energy is spent between inferences",
)


def estimate_energy(
    cost: "Cost", power: Power | None, *, clock_hz: int, documented_clock_hz: int
) -> EnergyEstimated | None:
    """The estimate for one inference of `cost`; None where it has no basis.

    Args:
        cost: median cycles are taken, measured ones where there are any.
        power: [power] of board.toml.
        clock_hz: the core's clock as the device reached it.
        documented_clock_hz: the clock that the run current holds for.
    """
    spread, source = (
        (cost.cycles, "cycles") if cost.cycles is not None else (cost.cycles_estimated, "cycles_estimated")
    )
    if spread is None or power is None or clock_hz != documented_clock_hz:
        return None
    current_a = power.run_current_ma / 1000.0
    return EnergyEstimated(
        energy_estimated_j=power.supply_v * current_a * spread.median / clock_hz,
        cycles=spread.median,
        cycles_source="cycles" if source == "cycles" else "cycles_estimated",
        timing_model=cost.timing_model if source == "cycles_estimated" else None,
        clock_hz=clock_hz,
        supply_v=power.supply_v,
        run_current_a=current_a,
        current_conditions=power.conditions,
        current_source=power.source,
        current_verified=power.verified,
        assumptions=(*((_ESTIMATED_CYCLES,) if source == "cycles_estimated" else ()), *_ASSUMPTIONS),
    )
