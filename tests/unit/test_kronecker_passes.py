"""Passes of the Kronecker convolution: how many, that they cover every step, and that every field holds its sums."""

import dataclasses

import numpy as np
import pytest

from ppg_deploy.compile.kernels.kronecker import KroneckerConvolution
from ppg_deploy.compile.kernels.kronecker_packing import layout_of
from ppg_deploy.compile.kernels.kronecker_passes import passes_of
from ppg_deploy.compile.kernels.kronecker_wide import WideKroneckerConvolution
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.steps import ConvolutionStep
from ppg_deploy.graph.operators import Activation
from tests.support.compile_networks import NetworkBuilder

_X = 1 << 21


def _step(kernel: int, channels: int, stride: int = 1) -> ConvolutionStep:
    net = NetworkBuilder(kernel + 10 * channels, (1, 1, 40, channels), -128)
    name = net.convolution(
        net.input, 2, (1, kernel), stride=(1, stride), zero=0, activation=Activation.NONE, gain=0.05
    )
    (step,) = lower(net.graph(name)).steps
    assert isinstance(step, ConvolutionStep)
    return step


def _number(step: ConvolutionStep) -> int:
    passes = passes_of(step)
    return 0 if passes is None else len(passes)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("passes", [1, 2, 3, 4])
def test_as_few_passes_as_fit(passes: int, sign: int) -> None:
    # 13 channels x 5 taps: 255 x (64 x 127 + 96) = 2,097,120 of 2^21 - 1 in every pass, and one more than that.
    step = _step(5, 13 * passes)
    step.weights[...] = 127 * sign
    step.weights[:, 0, 0, ::13] = 96 * sign
    assert _number(step) == passes
    assert WideKroneckerConvolution(halves=False).matches(step) == (passes > 1)
    assert KroneckerConvolution(halves=False).matches(step) == (passes == 1)
    more = dataclasses.replace(step, weights=step.weights.copy())
    more.weights[1, 0, 0, 0] = 97 * sign
    assert _number(more) == (passes + 1 if passes < 4 else 0)
    assert WideKroneckerConvolution(halves=False).matches(more) == (passes < 4)


def test_third_field_goes_on_in_the_next_pass() -> None:
    """Each pass fits by itself, but upper taps of one and lower taps of the other do not fit together."""
    step = _step(2, 128)
    step.weights[...] = 0
    step.weights[:, 0, 0, :64] = 127
    step.weights[:, 0, 1, 64:] = 127
    # 64 x 127 x 255 = 2,072,640 each.
    assert _number(step) > 2


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", range(3, 10))
def test_every_step_is_in_one_pass_in_order(kernel: int, stride: int) -> None:
    step = _step(kernel, 1 + 160 // kernel, stride)
    step.weights[...] = np.random.default_rng(kernel).choice([-127, 127], step.weights.shape)
    passes = passes_of(step)
    assert passes is not None
    assert len(passes) > 1
    done = [
        (piece.segment, number)
        for one in passes
        for piece in one.pieces
        for number in range(piece.first, piece.first + piece.steps)
    ]
    assert done == [
        (segment, number) for segment in layout_of(step).segments for number in range(segment.steps)
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kernel", [3, 5, 8])
def test_fields_of_passes_add_up_to_accumulators(kernel: int, seed: int) -> None:
    """Three columns of accumulators, from starts and weights alone, where one window reaches an end of its range."""
    rng = np.random.default_rng(seed)
    channels = 200 // kernel
    step = _step(kernel, channels)
    step.weights[...] = rng.choice([-127, 127, 60], step.weights.shape)
    passes = passes_of(step)
    assert passes is not None
    pairs = -(-kernel // 2)
    taps = np.zeros((2 * pairs, channels), np.int64)
    taps[:kernel] = step.weights[0, 0]
    position, wants = int(rng.integers(0, 5)), int(rng.choice([-1, 1]))
    u = rng.choice([0, 255], (2 * pairs + 8, channels))
    u[position : position + 2 * pairs] = np.where(taps * wants > 0, 255, 0)
    steps = layout_of(step).segments
    assert [segment.word for segment in steps] == [
        sum(s.group.taps for s in steps[:n]) for n in range(len(steps))
    ]
    totals, carries = [0] * 6, [0] * len(passes)
    for column in range(3):
        before, carries = carries, []
        for number, one in enumerate(passes):
            total = int(one.starts[0]) + before[number - 1]
            for piece in one.pieces:
                for depth in range(piece.first, piece.first + piece.steps):
                    for word in range(piece.segment.word, piece.segment.word + piece.segment.group.taps):
                        j = 2 * (column + word)
                        pack = int(u[j, depth]) + int(u[j + 1, depth]) * _X
                        total += pack * (int(taps[2 * word + 1, depth]) + int(taps[2 * word, depth]) * _X)
            total %= 1 << 64
            carries.append(total >> 42)
            totals[2 * column] += total % _X
            totals[2 * column + 1] += (total >> 21) % _X
    least = 255 * int(np.minimum(taps, 0).sum())
    # Of the first one the window begins before the inputs.
    expected = [int((taps * u[p : p + 2 * pairs]).sum()) - least for p in range(5)]
    assert totals[1:] == expected
