"""Where every intermediate result lies in the one arena."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels import Kernel
from ppg_deploy.compile.program import Program
from ppg_deploy.errors import InternalError

ALIGNMENT = 4
# A C array cannot be empty.
_SMALLEST_ARENA = 8


@dataclass(frozen=True)
class Buffer:
    """Bytes that hold something from step `first` to step `last`, both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: "Buffer") -> bool:
        """True when both are alive at the same time."""
        return self.first <= other.last and other.first <= self.last


# Buffers of one group start at the same offset and may overlap: each overwrites the one before it.
Group = tuple[Buffer, ...]


@dataclass(frozen=True)
class MemoryPlan:
    """Arena offsets of storage and of scratch (by step number); storage of the caller is in neither.

    What the program keeps lies below everything else, in the order of `Program.kept`.
    """

    storage: Mapping[str, int]
    scratch: Mapping[int, int]
    scratch_bytes: Mapping[int, int]
    in_place: frozenset[int]
    arena_bytes: int


def plan_memory(program: Program, kernels: Sequence[Kernel]) -> MemoryPlan:
    """The smaller of two plans: outputs overwrite dying inputs wherever the kernels can do that, or nowhere."""
    plans = [_plan(program, kernels, _overwritten(program, kernels)), _plan(program, kernels, {})]
    return min(plans, key=lambda plan: plan.arena_bytes)


def _last_uses(program: Program) -> dict[str, int]:
    last: dict[str, int] = {}
    for number, step in enumerate(program.steps):
        for name in (*step.inputs, step.output):
            last[program.origin(name)] = number
    return last


def _overwritten(program: Program, kernels: Sequence[Kernel]) -> dict[int, str]:
    """Step number -> the input that its output overwrites."""
    last = _last_uses(program)
    external = {program.input, program.output}
    chosen = {}
    for number, (step, kernel) in enumerate(zip(program.steps, kernels, strict=True)):
        if step.output in external | program.kept.keys() or step.output in program.views:
            continue
        origins = [program.origin(name) for name in step.inputs]
        # Storage that the step reads through a view as well might be overwritten too early.
        dying = (
            name
            for name in kernel.in_place_inputs(step)
            if name not in program.views
            and last[name] == number
            and name not in external | program.kept.keys()
            and (origins.count(name) == step.inputs.count(name))
        )
        name = next(dying, None)
        if name is not None:
            chosen[number] = name
    return chosen


def _plan(program: Program, kernels: Sequence[Kernel], overwritten: Mapping[int, str]) -> MemoryPlan:
    scratch_bytes = {
        number: kernel.scratch_bytes(step, number in overwritten)
        for number, (step, kernel) in enumerate(zip(program.steps, kernels, strict=True))
    }
    groups = _storage_groups(program, overwritten)
    groups += [
        (Buffer(_scratch_name(number), size, number, number),)
        for number, size in scratch_bytes.items()
        if size
    ]
    kept, kept_bytes = _kept_offsets(program)
    offsets = {name: kept_bytes + offset for name, offset in allocate(groups).items()}
    return MemoryPlan(
        storage=kept
        | {
            name: offsets[name]
            for name in (program.origin(step.output) for step in program.steps)
            if name in offsets
        },
        scratch={number: offsets[_scratch_name(number)] for number, size in scratch_bytes.items() if size},
        scratch_bytes=scratch_bytes,
        in_place=frozenset(overwritten),
        arena_bytes=max(_SMALLEST_ARENA, kept_bytes, _end(groups, offsets)),
    )


def _kept_offsets(program: Program) -> tuple[dict[str, int], int]:
    offsets, end = {}, 0
    for name, size in program.kept.items():
        offsets[name] = end
        end = _aligned(end + size)
    return offsets, end


def _scratch_name(number: int) -> str:
    return f"scratch of step {number}"


def _storage_groups(program: Program, overwritten: Mapping[int, str]) -> list[Group]:
    last = _last_uses(program)
    groups: dict[str, list[Buffer]] = {}
    for number, step in enumerate(program.steps):
        name = program.origin(step.output)
        if name in (program.output, program.input) or name in groups or name in program.kept:
            continue
        buffer = Buffer(name, program.assembled.get(name, step.output_bytes), number, last[name])
        group = groups[overwritten[number]] if number in overwritten else []
        group.append(buffer)
        groups[name] = group
    # Every member of a group refers to the same list; keep it once, under its first member.
    return [tuple(group) for name, group in groups.items() if group[0].name == name]


def allocate(groups: Iterable[Group]) -> dict[str, int]:
    """Offset of every buffer, by name.

    Places one group after the other at the lowest free offset, in three orders, and keeps the best result.

    Raises:
        InternalError: two buffers of different groups overlap in time and space (a bug).
    """
    fixed = list(groups)
    candidates = [_first_fit(sorted(fixed, key=order)) for order in _ORDERS]
    offsets = min(candidates, key=lambda found: _end(fixed, found))
    _verify(fixed, offsets)
    return offsets


def _largest(group: Group) -> int:
    return max(buffer.size for buffer in group)


def _lifetime(group: Group) -> int:
    return max(buffer.last for buffer in group) - min(buffer.first for buffer in group)


_ORDERS: tuple[Callable[[Group], tuple[int, ...]], ...] = (
    lambda group: (-_largest(group), group[0].first),
    lambda group: (-_lifetime(group), -_largest(group), group[0].first),
    lambda group: (group[0].first, -_largest(group)),
)


class _Placed:
    """Buffers with an offset, as columns of numbers: hundreds of steps are compared at once."""

    def __init__(self, capacity: int) -> None:
        self._columns = np.zeros((4, capacity), np.int64)
        self._count = 0

    def add(self, buffer: Buffer, offset: int) -> None:
        """Place one more."""
        self._columns[:, self._count] = buffer.first, buffer.last, offset, offset + buffer.size
        self._count += 1

    def meeting(self, buffer: Buffer) -> NDArray[np.int64]:
        """(2, n) offsets and ends of those that are alive at the same time as `buffer`."""
        first, last = self._columns[:2, : self._count]
        extents: NDArray[np.int64] = self._columns[2:, : self._count]
        return extents[:, (first <= buffer.last) & (buffer.first <= last)]


def _first_fit(groups: Sequence[Group]) -> dict[str, int]:
    offsets: dict[str, int] = {}
    placed = _Placed(sum(map(len, groups)))
    for group in groups:
        offset = _lowest_free(group, placed)
        for buffer in group:
            offsets[buffer.name] = offset
            placed.add(buffer, offset)
    return offsets


def _lowest_free(group: Group, placed: _Placed) -> int:
    blocked: list[tuple[int, int]] = []
    for buffer in group:
        starts, ends = placed.meeting(buffer)
        blocked += zip((starts - buffer.size + 1).tolist(), map(_aligned, ends.tolist()), strict=True)
    # Ranges are sorted by their start, so one that has been passed cannot block a later offset.
    offset = 0
    for first_blocked, next_free in sorted(blocked):
        if first_blocked <= offset < next_free:
            offset = next_free
    return offset


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _end(groups: Iterable[Group], offsets: Mapping[str, int]) -> int:
    return max(
        (_aligned(offsets[buffer.name] + buffer.size) for group in groups for buffer in group), default=0
    )


def _verify(groups: Sequence[Group], offsets: Mapping[str, int]) -> None:
    placed = _Placed(sum(map(len, groups)))
    for group in groups:
        for buffer in group:
            start = offsets[buffer.name]
            starts, ends = placed.meeting(buffer)
            if ((start < ends) & (starts < start + buffer.size)).any():
                raise InternalError(
                    f"{buffer.name} shares arena bytes with another live buffer", hint="report this model"
                )
        for buffer in group:
            placed.add(buffer, offsets[buffer.name])


def live_bytes(program: Program, kernels: Sequence[Kernel]) -> list[int]:
    """Per step, the bytes of all storage and scratch in use: no plan can have a smaller arena than the largest."""
    overwritten = _overwritten(program, kernels)
    _, kept_bytes = _kept_offsets(program)
    live = [
        kept_bytes + kernel.scratch_bytes(step, number in overwritten)
        for number, (step, kernel) in enumerate(zip(program.steps, kernels, strict=True))
    ]
    for group in _storage_groups(program, overwritten):
        first, last = min(buffer.first for buffer in group), max(buffer.last for buffer in group)
        for number in range(first, last + 1):
            live[number] += max(
                (buffer.size for buffer in group if buffer.first <= number <= buffer.last), default=0
            )
    return live
