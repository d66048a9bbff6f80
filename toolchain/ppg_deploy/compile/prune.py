"""Takes channels out of a program that are proven to hold one and the same code for every input.

Training leaves such dead channels behind a ReLU. What reads them gets the constant folded into its bias, where that is
exact: always when the constant is the reader's zero point, which is what it pads with, otherwise only without padding.
A channel goes when every reader can do without it. Channels stay a multiple of four, which the kernels like best.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.program import Program
from ppg_deploy.compile.requantize import constant_codes
from ppg_deploy.compile.steps import ConvolutionStep, DenseStep, Image, PoolStep, Step, WeightedStep
from ppg_deploy.graph import DType

CHANNEL_MULTIPLE = 4
_LARGEST_INT32 = (1 << 31) - 1

# Channel -> the only code that it holds.
Constants = Mapping[int, int]


def prune(program: Program) -> tuple[Program, Mapping[str, int]]:
    """The program without the channels, and how many each step's output has lost, by the name of its storage.

    `Step.macs` stay those of the model.
    """
    steps = list(program.steps)
    # Storage that is read in slices keeps its layout.
    fixed = {program.input, program.output, *(origin for origin, _ in program.views.values())}
    removed: dict[str, int] = {}
    for number, step in enumerate(steps):
        if not _can_lose_outputs(step) or step.output in fixed:
            continue
        gone = _superfluous(step, steps, fixed)
        if gone:
            _remove(number, gone, steps, removed)
    return replace(program, steps=tuple(steps)), removed


def _can_lose_outputs(step: Step) -> bool:
    return isinstance(step, ConvolutionStep) and step.groups == 1 and step.codes is DType.INT8


def _superfluous(step: Step, steps: list[Step], fixed: Iterable[str]) -> Constants:
    """The dead channels that go: not those that some reader needs, nor those that fill the last four."""
    assert isinstance(step, ConvolutionStep)
    dead = {channel: code for channel, code in enumerate(constant_codes(step)) if code is not None}
    alive = step.target.channels - len(dead)
    kept = max(CHANNEL_MULTIPLE, -(-alive // CHANNEL_MULTIPLE) * CHANNEL_MULTIPLE)
    count = step.target.channels - kept
    gone = dict(list(dead.items())[-count:]) if count > 0 else {}
    return gone if gone and _readers_can_do_without(step.output, step.target, gone, steps, fixed) else {}


def _readers_can_do_without(
    storage: str, image: Image, gone: Constants, steps: list[Step], fixed: Iterable[str]
) -> bool:
    return all(
        _can_do_without(reader, image, gone, steps, fixed) for reader in steps if storage in reader.inputs
    )


def _can_do_without(
    reader: Step, image: Image, gone: Constants, steps: list[Step], fixed: Iterable[str]
) -> bool:
    if isinstance(reader, PoolStep):
        same_layout = reader.source.channels == image.channels and reader.output not in fixed
        return same_layout and _readers_can_do_without(
            reader.output, reader.target, _pooled(reader, gone), steps, fixed
        )
    if isinstance(reader, ConvolutionStep):
        is_exact = not reader.window.is_padded or all(code == reader.input_zero for code in gone.values())
        same_layout = reader.source.channels == image.channels and reader.groups == 1
        return is_exact and same_layout and _bias_fits(reader, image.channels, gone)
    return (
        isinstance(reader, DenseStep)
        and reader.weights.shape[-1] == image.size
        and _bias_fits(reader, image.channels, gone)
    )


def _pooled(pool: PoolStep, gone: Constants) -> Constants:
    """Mean and maximum of equal codes are that code."""
    return {channel: min(max(code, pool.low), pool.high) for channel, code in gone.items()}


def _bias_fits(reader: WeightedStep, channels: int, gone: Constants) -> bool:
    return bool(np.abs(reader.bias + _contribution(reader, channels, gone)).max() <= _LARGEST_INT32)


def _by_channel(weights: NDArray[np.int8], channels: int) -> NDArray[np.int8]:
    """(out, rows, columns, in) with the channels of the read image as the last axis, dense layers too."""
    return weights.reshape(len(weights), -1, channels)


def _contribution(reader: WeightedStep, channels: int, gone: Constants) -> NDArray[np.int64]:
    """What the constants add to each accumulator."""
    sums = _by_channel(reader.weights, channels).sum(axis=1, dtype=np.int64)
    codes = np.array(list(gone.values()), np.int64) - reader.input_zero
    return np.asarray(sums[:, list(gone)] @ codes, np.int64)


def _remove(number: int, gone: Constants, steps: list[Step], removed: dict[str, int]) -> None:
    """Take the channels out of step `number` and of everything that reads them."""
    step = steps[number]
    assert isinstance(step, ConvolutionStep)
    image = step.target
    kept = [channel for channel in range(image.channels) if channel not in gone]
    target = replace(image, channels=len(kept))
    steps[number] = replace(
        step,
        weights=np.ascontiguousarray(step.weights[kept]),
        bias=step.bias[kept],
        multipliers=tuple(step.multipliers[channel] for channel in kept),
        target=target,
        output_bytes=target.size,
    )
    removed[step.output] = len(gone)
    _remove_from_readers(step.output, image.channels, kept, gone, steps, removed)


def _remove_from_readers(
    storage: str, channels: int, kept: list[int], gone: Constants, steps: list[Step], removed: dict[str, int]
) -> None:
    for number, reader in enumerate(steps):
        if storage not in reader.inputs:
            continue
        if isinstance(reader, PoolStep):
            source, target = (replace(image, channels=len(kept)) for image in (reader.source, reader.target))
            steps[number] = replace(reader, source=source, target=target, output_bytes=target.size)
            removed[reader.output] = len(gone)
            _remove_from_readers(reader.output, channels, kept, _pooled(reader, gone), steps, removed)
        elif isinstance(reader, WeightedStep):
            steps[number] = _without_inputs(reader, channels, kept, gone)


def _without_inputs(reader: WeightedStep, channels: int, kept: list[int], gone: Constants) -> WeightedStep:
    weights = _by_channel(reader.weights, channels)[:, :, kept]
    shape = (*reader.weights.shape[:-1], -1)
    bias = reader.bias + _contribution(reader, channels, gone)
    changed = replace(reader, weights=np.ascontiguousarray(weights).reshape(shape), bias=bias)
    if isinstance(changed, ConvolutionStep):
        return replace(changed, source=replace(changed.source, channels=len(kept)))
    return changed
