"""Windows as a stream of pushes: where one window is the one before it moved on by a hop, only the hop is sent."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppg_deploy.benching.cost import Counts
from ppg_deploy.benching.device import Position, Progress, counted_rows, from_wire, to_wire
from ppg_deploy.benching.plan import BenchPlan
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.graph.quantized_reference import Codes
from ppg_deploy.handover import CompiledPush
from ppg_deploy.ports import Connection, Entry
from ppg_deploy.wire import Client, PushResult


@dataclass(frozen=True)
class SlidingMeasurement:
    """What the device answered to a stream of pushes.

    Attributes:
        outputs: (N, output elements), one answer a window.
        continued: (N,) bool, windows that continued the stream; all others filled it anew.
        counts: of the answers that continued the stream.
    """

    push: CompiledPush
    outputs: Codes
    continued: tuple[bool, ...]
    counts: Counts


@dataclass(frozen=True)
class _Stretch:
    """New codes (rows, hop, channels). `answers_for` is the window that is complete with them."""

    codes: Codes
    restart: bool
    answers_for: int | None


def continuing(windows: Codes, hop: int) -> tuple[bool, ...]:
    """For each of the windows (N, rows, columns, channels), whether it is the one before it moved on by `hop`."""
    columns = windows.shape[2]
    return (
        False,
        *(
            np.array_equal(later[:, : columns - hop], earlier[:, hop:])
            for earlier, later in itertools.pairwise(windows)
        ),
    )


def measure_sliding(
    plan: BenchPlan,
    client: Client,
    connection: Connection,
    *,
    count: int,
    has_ticks: bool,
    progress: Progress,
    position: Position,
) -> SlidingMeasurement:
    """Stream every window as pushes and collect answers and counters.

    Args:
        plan: what to stream.
        client: connected to the device.
        connection: the port behind it.
        count: how many answers that continue the stream to count exactly where the port can (unicorn).
        has_ticks: whether the device's ticks mean anything.
        progress: called after each window.
        position: kept up to date with the window that the pushes belong to.

    Raises:
        InputError: the firmware was built without sliding windows.
        DeviceError: the device does not answer, or not with what a push of this model answers.
    """
    push = plan.push
    if push is None:
        raise InputError(
            "the firmware was built without sliding windows, so it takes no pushes",
            hint="build with --hop SAMPLES, or bench without --sliding",
        )
    windows = plan.codes.reshape(-1, *push.window)
    continued = continuing(windows, push.hop)
    continuing_rows = np.flatnonzero(continued)
    counted = {int(continuing_rows[index]) for index in counted_rows(len(continuing_rows), count)}
    outputs: list[Codes] = []
    ticks, profiles = [], []
    for stretch in _stretches(windows, continued, push.hop):
        row = stretch.answers_for
        position.doing = f"window {len(outputs)} as a stream of pushes"
        counter = connection.instruction_counter if row in counted else None
        if counter is not None:
            counter.arm(Entry.PUSH)
        result = client.push(to_wire(stretch.codes), restart=stretch.restart)
        if counter is not None:
            profiles.append(counter.result())
        _check(result, row)
        if row is None:
            continue
        outputs.append(from_wire(result.output, plan.expected.dtype))
        if continued[row]:
            ticks.append(result.ticks)
        progress(row + 1, len(windows))
    return SlidingMeasurement(
        push=push,
        outputs=np.stack(outputs),
        continued=continued,
        counts=Counts(ticks=tuple(ticks) if has_ticks else None, profiles=tuple(profiles)),
    )


def _stretches(windows: Codes, continued: tuple[bool, ...], hop: int) -> Iterator[_Stretch]:
    for row, (window, continues) in enumerate(zip(windows, continued, strict=True)):
        if continues:
            yield _Stretch(window[:, -hop:], restart=False, answers_for=row)
            continue
        columns = window.shape[1]
        pushes = -(-columns // hop)
        # Where the hop does not divide the window, the first stretch begins before it; those columns fall out again.
        before = np.zeros((window.shape[0], pushes * hop - columns, window.shape[2]), window.dtype)
        filled = np.concatenate([before, window], axis=1)
        for number in range(pushes):
            yield _Stretch(
                filled[:, number * hop : (number + 1) * hop],
                restart=number == 0,
                answers_for=row if number == pushes - 1 else None,
            )


def _check(result: PushResult, row: int | None) -> None:
    if result.status != 0:
        raise DeviceError(
            f"the model failed in a push with the runtime's code {result.status}",
            hint="build the firmware again; if it persists, report this model",
        )
    if result.filling != (row is None):
        seen = (
            "has no answer for a complete window" if result.filling else "answers before a window is complete"
        )
        raise DeviceError(
            f"the device {seen} in a stream of pushes", hint="build and flash the firmware again"
        )
