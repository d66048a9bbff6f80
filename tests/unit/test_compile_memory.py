"""The arena plan: no two live results share bytes, and it is as small as a search over all orders finds."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppg_deploy.compile import compile_graph
from ppg_deploy.compile.choose import choose_kernels
from ppg_deploy.compile.kernels import Kernel, candidates
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.memory import ALIGNMENT, Buffer, Group, allocate, plan_memory
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.pieces.regions import split_rows
from ppg_deploy.compile.steps import Step
from tests.support.compile_cases import network
from tests.support.compile_networks import NetworkBuilder, pulse_like, resnet_like


@st.composite
def buffers(draw: st.DrawFn) -> list[Group]:
    """Groups of one to three buffers; members of a group follow each other in time."""
    groups = []
    for number in range(draw(st.integers(1, 6))):
        first = draw(st.integers(0, 6))
        members = []
        for member in range(draw(st.integers(1, 3))):
            last = first + draw(st.integers(0, 3))
            members.append(Buffer(f"{number}.{member}", draw(st.integers(1, 40)), first, last))
            first = last
        groups.append(tuple(members))
    return groups


def _bytes_at(groups: list[Group], offsets: dict[str, int], time: int) -> list[set[int]]:
    """Per group, the arena bytes that its members hold at one time."""
    return [
        {
            address
            for buffer in group
            if buffer.first <= time <= buffer.last
            for address in range(offsets[buffer.name], offsets[buffer.name] + buffer.size)
        }
        for group in groups
    ]


@given(buffers())
@settings(max_examples=150, deadline=None)
def test_no_live_bytes_are_shared(groups: list[Group]) -> None:
    offsets = allocate(groups)
    assert all(offset % ALIGNMENT == 0 for offset in offsets.values())
    for group in groups:
        assert len({offsets[buffer.name] for buffer in group}) == 1
    for time in range(20):
        held = _bytes_at(groups, offsets, time)
        assert sum(map(len, held)) == len(set().union(*held))


def _smallest_by_search(groups: list[Group]) -> int:
    """Best arena over all orders of placing groups at their lowest free offset: always holds an optimum."""
    best = 10**9
    for order in permutations(groups):
        placed: list[tuple[Buffer, int]] = []
        for group in order:
            offset = 0
            while any(
                buffer.meets(other)
                and offset < other_offset + other.size
                and other_offset < offset + buffer.size
                for buffer in group
                for other, other_offset in placed
            ):
                offset += ALIGNMENT
            placed += [(buffer, offset) for buffer in group]
        best = min(best, max(offset + buffer.size for buffer, offset in placed))
    return best


def test_the_plan_is_near_the_optimum() -> None:
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(60):
        groups: list[Group] = []
        for number in range(int(rng.integers(2, 6))):
            first = int(rng.integers(0, 6))
            last = first + int(rng.integers(0, 3))
            groups.append((Buffer(str(number), 4 * int(rng.integers(1, 30)), first, last),))
        offsets = allocate(groups)
        used = max(offsets[buffer.name] + buffer.size for group in groups for buffer in group)
        ratios.append(used / _smallest_by_search(groups))
    assert max(ratios) <= 1.25
    assert np.mean(ratios) <= 1.01


def test_plan_of_the_pulse_student_by_hand() -> None:
    """Largest moment: a 256 x 16 row is overwritten in place, with one padded row and the columns beside it.

    In pieces, the rows that are finished lie beside it: 4 x 8 x 32 codes. All rows at once are four times as large.
    """
    padded_row = (2 + 256 + 2) * 16
    columns = (3 * 16 // 4) * 32
    program = lower(pulse_like())
    for plan_of, expected in (
        (program, 4 * 256 * 16 + padded_row + columns),
        (split_rows(program), 256 * 16 + padded_row + columns + 4 * 8 * 32),
    ):
        kernels = [_kernel_named(step, {"conv_columns", "pool", "dense"}) for step in plan_of.steps]
        assert plan_memory(plan_of, kernels).arena_bytes == expected


def _kernel_named(step: Step, names: set[str]) -> Kernel:
    [kernel] = [kernel for kernel in candidates(step) if kernel.name in names]
    return kernel


@pytest.mark.parametrize("seed", range(40))
def test_storage_never_overlaps_in_random_networks(seed: int) -> None:
    program = lower(network(seed))
    kernels = [choice.kernel for choice in choose_kernels(program.steps, Optimize.BALANCED.cycles_per_byte)]
    plan = plan_memory(program, kernels)
    last = {step.output: number for number, step in enumerate(program.steps)}
    sizes = {step.output: step.output_bytes for step in program.steps}
    for number, step in enumerate(program.steps):
        last.update(dict.fromkeys(step.inputs, number))
    for number, step in enumerate(program.steps):
        live = {
            name: range(plan.storage[name], plan.storage[name] + sizes[name])
            for name in plan.storage
            if name in last and _born(program.steps, name) <= number <= last[name]
        }
        if number in plan.in_place:
            overwritten = {
                name
                for name in step.inputs
                if name in plan.storage and plan.storage[name] == plan.storage[step.output]
            }
            assert overwritten
            assert all(last[name] == number for name in overwritten)
            live = {name: place for name, place in live.items() if name not in overwritten}
        if number in plan.scratch:
            live["scratch"] = range(plan.scratch[number], plan.scratch[number] + plan.scratch_bytes[number])
        places = sorted(live.values(), key=lambda place: place.start)
        assert all(before.stop <= after.start for before, after in pairwise(places))
        assert all(place.stop <= plan.arena_bytes for place in places)


def _born(steps: tuple[object, ...], name: str) -> int:
    return next(number for number, step in enumerate(steps) if getattr(step, "output", None) == name)


def test_input_and_output_are_not_in_the_arena() -> None:
    program = lower(resnet_like())
    choices = choose_kernels(program.steps, Optimize.BALANCED.cycles_per_byte)
    plan = plan_memory(program, [choice.kernel for choice in choices])
    assert program.input not in plan.storage
    assert program.output not in plan.storage


def test_model_without_intermediate_results_has_the_smallest_arena() -> None:
    net = NetworkBuilder(1, (1, 1, 4, 4))
    compiled = compile_graph(net.graph(net.dense(net.input, 2)), model_sha256="0" * 64, dsp=True)
    assert compiled.arena_bytes == 8
