"""Algebra, packing and proofs of the Winograd kernel, against exact integers."""

import dataclasses

import numpy as np
import pytest

from ppg_deploy.compile.kernels.winograd import WinogradConvolution
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.requantize import accumulator_ranges
from ppg_deploy.compile.steps import ConvolutionStep
from ppg_deploy.compile.winograd_factors import FAST_RIGHT, SCALE, ChannelProof, WinogradFactor
from ppg_deploy.compile.winograd_stream import (
    block_starts,
    pack_winograd,
    pair_count,
    proven_blocks,
    transformed,
)
from ppg_deploy.graph.operators import Activation
from tests.support.compile_host import RUNTIME
from tests.support.requantize_cases import two_roundings
from tests.support.winograd_cases import layer

# F(4,3) of Lavin and Gray (arXiv:1509.09308), rows in the order of the kernel's slots.
_INPUT = np.array(
    [
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [4, 0, -5, 0, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_OUTPUT = np.array([[1, 1, 1, 1, 1, 0], [1, -1, 2, -2, 0, 0], [1, 1, 4, 4, 0, 0], [1, -1, 8, -8, 0, 1]])


def _step(channels: int = 10, depth: int = 7, activation: Activation = Activation.RELU) -> ConvolutionStep:
    (step,) = lower(layer(2, 20, depth, channels, 2, activation)).steps
    assert isinstance(step, ConvolutionStep)
    return step


def test_transforms_give_24_times_the_convolution() -> None:
    step = _step()
    inputs = np.random.default_rng(0).integers(-128, 128, (6, 7))
    products = np.einsum("osc,sc->so", transformed(step), _INPUT @ inputs)
    kernels = step.weights[:, 0].astype(np.int64)
    expected = [np.einsum("okc,kc->o", kernels, inputs[first : first + 3]) for first in range(4)]
    np.testing.assert_array_equal(_OUTPUT @ products, SCALE * np.array(expected))


def test_worst_weights_fit_16_bits() -> None:
    step = _step()
    extreme = dataclasses.replace(step, weights=np.full_like(step.weights, -128))
    assert np.abs(transformed(extreme)).max() == 24 * 128
    blocks = proven_blocks(step)
    assert blocks is not None
    for start, factors in zip(block_starts(10), blocks, strict=True):
        for channel, factor in enumerate(factors, start):
            assert np.abs(transformed(step)[channel]).max() << factor.shift < 1 << 15


@pytest.mark.parametrize(
    ("channels", "starts"), [(4, [0]), (5, [0, 1]), (8, [0, 4]), (10, [0, 2, 6]), (15, [0, 3, 7, 11])]
)
def test_blocks_cover_all_channels(channels: int, starts: list[int]) -> None:
    assert block_starts(channels) == starts


@pytest.mark.parametrize(
    ("depth", "pairs"), [(1, 8), (16, 8), (17, 12), (24, 12), (25, 16), (33, 24), (64, 32)]
)
def test_channels_are_padded(depth: int, pairs: int) -> None:
    assert pair_count(depth) == pairs


def test_stream_lies_as_the_header_says() -> None:
    step = _step(channels=10, depth=7)
    stream, blocks = pack_winograd(step), proven_blocks(step)
    assert blocks is not None
    assert stream.shape == (3, 1 + 4 + 6 * 8 * 4 + 4 * 2)
    # Block 1 starts at channel 2; its channel 3 is output channel 5. Slot 4, pair 3: input channels 5 and 7.
    word, factor = int(stream[1, 5 + (4 * 8 + 3) * 4 + 3]), blocks[1][3]
    assert word == int(transformed(step)[5, 4, 5] << factor.shift) & 0xFFFF
    assert tuple(stream[1, -2:]) == (factor.multiplier, factor.first)
    # Z alone: 8 pairs, every right shift the constant one.
    assert [int(flags) & 0xFFFFFFFF for flags in stream[:, 0]] == [1 << 30] * 3


def test_words_between_eights_of_pairs_lead_there_and_back() -> None:
    step = _step(channels=4, depth=64)
    stream = pack_winograd(step)
    assert stream.shape == (1, 1 + 4 + 6 * (32 * 4 + 3) + 4 * 2)
    moves = [int(stream[0, 5 + index]) for index in (16 * 4, 24 * 4 + 1, 32 * 4 + 2)]
    assert moves == [8 * 48, 8 * 48, -16 * 48]


def _kernel_form(value: int, factor: WinogradFactor) -> int:
    scaled = value * (SCALE << factor.shift) + factor.offset
    assert -(1 << 31) <= scaled < 1 << 31
    total = factor.first + (scaled * factor.multiplier >> 32)
    assert -(1 << 31) <= total < 1 << 31
    total -= factor.less if scaled < 0 else 0
    assert -(1 << 31) <= total < 1 << 31
    return min(max(total >> factor.right, -128), 127)


def _assert_exact(step: ConvolutionStep, channel: int, factor: WinogradFactor) -> None:
    """At the ends, at random and around all ties of both roundings."""
    rng = np.random.default_rng(channel)
    multiplier, shift = step.multipliers[channel]
    low, high = accumulator_ranges(step)[channel]
    near = [
        round((code - 0.5) * 2.0 ** (31 - shift) / multiplier) + distance
        for code in range(-256, 257)
        for distance in range(-4, 5)
    ]
    for value in [*near, *range(-300, 300), *rng.integers(low, high + 1, 500).tolist(), low, high]:
        if low <= value <= high:
            exact = two_roundings(value, multiplier, shift) + step.output_zero
            codes = (exact, _kernel_form(value, factor))
            assert len({min(max(code, step.low), step.high) for code in codes}) == 1, (channel, value)


@pytest.mark.parametrize("activation", [Activation.RELU, Activation.NONE, Activation.RELU6])
def test_factors_are_exact(activation: Activation) -> None:
    step = _step(channels=8, depth=16, activation=activation)
    blocks = proven_blocks(step)
    assert blocks is not None
    for channel, factor in enumerate(factor for factors in blocks for factor in factors):
        _assert_exact(step, channel, factor)


@pytest.mark.parametrize("right", range(3, 15))
def test_every_right_shift_has_a_form_with_the_shift_in_the_lowest_byte(right: int) -> None:
    step = _step(channels=4, depth=16)
    other = dataclasses.replace(step, multipliers=((0x5A3C19E7, -right),) * 4)
    for channel in range(4):
        proof = ChannelProof(other, channel, 3)
        factor = proof.any()
        assert factor is not None
        assert factor.first & 0xFF == factor.right
        _assert_exact(other, channel, factor)
        fast = proof.fast()
        if fast is not None:
            assert fast.right == FAST_RIGHT
            _assert_exact(other, channel, fast)
        # Three spare bits of the weights and one of the multiplier.
        assert (fast is not None) or not FAST_RIGHT - 5 <= right < FAST_RIGHT


def test_steps_without_a_proof_are_left_to_other_kernels() -> None:
    step = _step()
    assert WinogradConvolution().matches(step)
    for shift in (0, 3):
        other = dataclasses.replace(step, multipliers=((1 << 30, shift),) * 10)
        assert proven_blocks(other) is None
        assert not WinogradConvolution().matches(other)


def test_other_shapes_do_not_match() -> None:
    step = _step()
    for change in (
        {"kernel": (1, 5)},
        {"kernel": (3, 1)},
        {"stride": (1, 2)},
        {"before": (1, 2)},
    ):
        window = dataclasses.replace(step.window, **change)
        assert not WinogradConvolution().matches(dataclasses.replace(step, window=window))
    assert not WinogradConvolution().matches(_step(channels=3))
    assert not WinogradConvolution().matches(_step(depth=129))


def test_compiler_and_runtime_agree_on_the_right_shift() -> None:
    assert f"#define PPG_WINOGRAD_RIGHT {FAST_RIGHT} " in (RUNTIME / "ppg_winograd.h").read_text()
