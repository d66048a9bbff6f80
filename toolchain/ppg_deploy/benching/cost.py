"""What inferences cost, from counters to the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from ppg_deploy.handover import CompiledOperator, PushOperator
from ppg_deploy.ports import Connection
from ppg_deploy.report import schema, spread_of
from ppg_deploy.timing import TIMING_MODELS, InferenceProfile

_UNCOUNTED = "this port counts no instructions"


@dataclass(frozen=True)
class Counts:
    """What was counted.

    Attributes:
        ticks: device counter ticks of each inference in order; None when they mean nothing on this port.
        profiles: exact counts of the counted inferences, in order.
        operator_ticks: ticks of each operator in one inference; None when ticks mean nothing.
        counter_problem: why the ticks cannot be believed; None when nothing speaks against them.
        clock_problem: why the clock's frequency cannot be believed.
    """

    ticks: tuple[int, ...] | None
    profiles: tuple[InferenceProfile, ...]
    operator_ticks: tuple[int, ...] | None = None
    counter_problem: str | None = None
    clock_problem: str | None = None


def cost_of(
    counts: Counts,
    operators: Sequence[CompiledOperator | PushOperator],
    connection: Connection,
    clock_hz: int,
) -> schema.Cost:
    """The cost of one inference.

    Args:
        counts: of all inferences.
        operators: what an inference consists of.
        connection: where it was counted.
        clock_hz: core clock that the device reached.
    """
    instructions: Sequence[float] = ()
    source = None
    estimates: list[float] = []
    timing_model = None
    cycles: Sequence[float] = ()
    if counts.profiles:
        source = f"{connection.source}, exact block counts of {len(counts.profiles)} inferences"
        instructions = [profile.instructions for profile in counts.profiles]
        timing_model = counts.profiles[0].timing_model
        estimates = [
            profile.cycles_estimated for profile in counts.profiles if profile.cycles_estimated is not None
        ]
    elif counts.ticks is not None and connection.instructions_per_tick is not None:
        source = f"{connection.source}, device counter of every inference"
        instructions = [tick * connection.instructions_per_tick for tick in counts.ticks]
    elif counts.ticks is not None and connection.emulator is None:
        cycles = counts.ticks
    problem = _counter_problem(counts, cycles)
    clock_khz = clock_hz / 1000.0
    return schema.Cost(
        instructions=spread_of(instructions),
        instructions_source=source,
        cycles_estimated=spread_of(estimates),
        timing_model=timing_model,
        timing_calibration=_timing_calibration(timing_model),
        flash_lines=spread_of(
            [profile.flash_lines for profile in counts.profiles if profile.flash_lines is not None]
        ),
        cycles=None if problem else spread_of(cycles),
        latency_ms=None
        if problem or counts.clock_problem
        else spread_of([tick / clock_khz for tick in cycles]),
        by_operator=() if problem else _operator_shares(counts, operators, connection),
        by_function=_function_shares(counts),
        note=_cost_note(problem, counts.clock_problem, counted=bool(instructions) or bool(cycles)),
    )


def _timing_calibration(timing_model: str | None) -> schema.TimingCalibration | None:
    calibration = None if timing_model is None else TIMING_MODELS[timing_model].calibration
    if calibration is None:
        return None
    return schema.TimingCalibration(
        chip=calibration.chip,
        clock_hz=calibration.clock_hz,
        leave_one_out_error_percent=calibration.leave_one_out_error_percent,
        fitted_on=calibration.fitted_on,
    )


def _counter_problem(counts: Counts, cycles: Sequence[float]) -> str | None:
    if counts.counter_problem is not None:
        return counts.counter_problem
    return "the device's cycle counter stands still" if cycles and min(cycles) == 0 else None


def _cost_note(counter_problem: str | None, clock_problem: str | None, *, counted: bool) -> str | None:
    if counter_problem:
        return f"{counter_problem}: no figure is given"
    if clock_problem:
        return f"{clock_problem}; so no latency is given"
    return None if counted else _UNCOUNTED


def _operator_shares(
    counts: Counts, operators: Sequence[CompiledOperator | PushOperator], connection: Connection
) -> tuple[schema.Share, ...]:
    by_index = {operator.index: operator for operator in operators}
    if counts.profiles:
        return tuple(
            _share(
                None if cost.index is None else by_index[cost.index],
                cost.instructions,
                cost.cycles_estimated,
                None,
            )
            for cost in counts.profiles[-1].by_operator
        )
    factor = connection.instructions_per_tick
    return tuple(
        _share(by_index[index], None if factor is None else ticks * factor, None, ticks)
        for index, ticks in enumerate(counts.operator_ticks or ())
    )


def _share(
    operator: CompiledOperator | PushOperator | None,
    instructions: float | None,
    cycles: float | None,
    ticks: int | None,
) -> schema.Share:
    """`operator` None stands for the code around the operators."""
    return schema.Share(
        name="run" if operator is None else f"{operator.index:03} {operator.kind} ({operator.kernel})",
        macs=None if operator is None else operator.macs,
        instructions=instructions,
        cycles_estimated=cycles,
        ticks=ticks,
    )


def _function_shares(counts: Counts) -> tuple[schema.Share, ...]:
    if not counts.profiles:
        return ()
    return tuple(
        schema.Share(
            name=cost.name,
            macs=None,
            instructions=cost.instructions,
            cycles_estimated=cost.cycles_estimated,
            ticks=None,
        )
        for cost in counts.profiles[-1].by_function
    )
