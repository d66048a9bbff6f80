"""Chooses how a program is cut into pieces: the smallest arena that costs nothing, or one that meets a budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ppg_deploy.compile.kernels import Kernel
from ppg_deploy.compile.memory import MemoryPlan, live_bytes, plan_memory
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.pieces.regions import Region, find_regions, split_rows, tiled
from ppg_deploy.compile.pieces.tiles import PaddingOnlyError
from ppg_deploy.compile.program import Program
from ppg_deploy.errors import DoesNotFitError

# Numbers of stretches to try. Each stretch computes its borders anew, so many short ones cost time.
_COUNTS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)

ChooseKernels = Callable[[Program], Sequence[Kernel]]


class ArenaTooSmallError(DoesNotFitError):
    """No schedule that was found fits the budget; the smallest one needs `smallest` bytes."""

    def __init__(self, smallest: int, ram_budget: int) -> None:
        super().__init__(
            f"the model needs an arena of at least {smallest:,} bytes, the budget is {ram_budget:,}",
            hint=f"give --ram-budget {smallest} or more, or use a smaller model",
        )
        self.smallest = smallest


@dataclass(frozen=True)
class Schedule:
    """A program in the order in which it will run, the kernel of each step, and where everything lies."""

    program: Program
    kernels: Sequence[Kernel]
    plan: MemoryPlan

    @property
    def predicted_cycles(self) -> int:
        """Of all steps together."""
        steps = zip(self.program.steps, self.kernels, strict=True)
        return sum(kernel.predicted_cycles(step) for step, kernel in steps)


def choose_schedule(
    program: Program,
    choose_kernels: ChooseKernels,
    optimize: Optimize,
    ram_budget: int | None,
    at_least: int = 0,
) -> Schedule:
    """Rows depth first where that makes the arena smaller; time in stretches only where the budget asks for it.

    Args:
        program: of whole steps.
        choose_kernels: the kernels of a program's steps.
        optimize: `size` leaves rows together, because every piece is a call.
        ram_budget: most bytes of the arena, or None.
        at_least: bytes that the arena has in any case, because something else needs them.

    Raises:
        ArenaTooSmallError: no schedule that was found fits.
    """

    def arena(schedule: Schedule) -> int:
        return max(schedule.plan.arena_bytes, at_least)

    whole = schedule_as_it_is(program, choose_kernels)
    if ram_budget is None:
        if optimize is Optimize.SIZE:
            return whole
        return min(whole, schedule_as_it_is(split_rows(program), choose_kernels), key=arena)
    if arena(whole) <= ram_budget:
        return whole
    by_rows = schedule_as_it_is(split_rows(program), choose_kernels)
    if arena(by_rows) <= ram_budget:
        return by_rows
    return _within_budget(by_rows.program, choose_kernels, ram_budget, arena, arena(by_rows))


def schedule_as_it_is(program: Program, choose_kernels: ChooseKernels) -> Schedule:
    """Kernels and plan of a program."""
    kernels = choose_kernels(program)
    return Schedule(program, kernels, plan_memory(program, kernels))


def _within_budget(
    program: Program,
    choose_kernels: ChooseKernels,
    ram_budget: int,
    arena: Callable[[Schedule], int],
    without_stretches: int,
) -> Schedule:
    regions = find_regions(program)
    peaks = _peaks(program, regions, choose_kernels)
    # What a region needs at least is no promise for the arena, whose buffers also have to fit beside each other;
    # so the limit for all regions falls until the arena fits.
    limits = sorted({peak for by_count in peaks.values() for peak in by_count.values()}, reverse=True)
    smallest = without_stretches
    tried = set()
    for limit in [ram_budget, *(limit for limit in limits if limit < ram_budget)]:
        counts = {operators: _fewest_within(by_count, limit) for operators, by_count in peaks.items()}
        if tuple(counts.values()) in tried:
            continue
        tried.add(tuple(counts.values()))
        candidate = schedule_as_it_is(tiled(program, regions, counts), choose_kernels)
        smallest = min(smallest, arena(candidate))
        if arena(candidate) <= ram_budget:
            return candidate
    raise ArenaTooSmallError(smallest, ram_budget)


def _fewest_within(peaks: Mapping[int, int], limit: int) -> int:
    """The fewest stretches whose peak stays within the limit, else those with the lowest peak."""
    within = [count for count, peak in peaks.items() if peak <= limit]
    return min(within) if within else min(peaks, key=lambda count: (peaks[count], count))


def _peaks(
    program: Program, regions: list[Region], choose_kernels: ChooseKernels
) -> dict[tuple[int, ...], dict[int, int]]:
    """By operators of a region: number of stretches -> bytes in use at the worst moment within the region."""
    peaks: dict[tuple[int, ...], dict[int, int]] = {}
    for region in regions:
        if region.operators in peaks:
            continue
        own = peaks[region.operators] = {}
        for count in (1, *(count for count in _COUNTS if count <= region.image.columns)):
            try:
                candidate = tiled(program, regions, {region.operators: count})
            except PaddingOnlyError:
                continue
            live = live_bytes(candidate, choose_kernels(candidate))
            own[count] = max(
                bytes_in_use
                for bytes_in_use, operator in zip(live, candidate.operator_of, strict=True)
                if operator in region.operators
            )
    return peaks
