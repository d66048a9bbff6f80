"""Packing and range proofs of the Kronecker convolution, in exact integers."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.compile.kernels import kronecker_packing as packing
from ppg_deploy.compile.kernels.kronecker import KroneckerConvolution
from ppg_deploy.compile.kernels.kronecker_packing import (
    Layout,
    centers,
    layout_of,
    pack_stream,
    single_pass,
    starts,
)
from ppg_deploy.compile.lower import lower
from ppg_deploy.compile.steps import ConvolutionStep
from ppg_deploy.graph.operators import Activation
from tests.support.compile_networks import NetworkBuilder

_HEADER = Path(__file__).resolve().parents[2] / "firmware" / "runtime" / "ppg_kronecker.h"
_X = 1 << 21


def _step(
    kernel: int,
    channels: int,
    *,
    weight: int | None = None,
    bias: int = 0,
    outputs: int = 2,
    stride: int = 1,
    groups: int = 1,
) -> ConvolutionStep:
    net = NetworkBuilder(kernel + 10 * channels, (1, 1, 40, channels), -128)
    name = net.convolution(
        net.input,
        outputs,
        (1, kernel),
        stride=(1, stride),
        groups=groups,
        zero=0,
        activation=Activation.NONE,
    )
    (step,) = lower(net.graph(name)).steps
    assert isinstance(step, ConvolutionStep)
    weights = step.weights if weight is None else np.full_like(step.weights, weight)
    return dataclasses.replace(step, weights=weights, bias=np.full_like(step.bias, bias))


def _signed(value: int, bits: int) -> int:
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


def test_words_of_a_kernel_of_three_by_hand() -> None:
    step = _step(3, 1)
    weights = np.array([[[[2], [-3], [5]]], [[[7], [11], [-13]]]], np.int8)
    step = dataclasses.replace(step, weights=weights, bias=np.zeros(2, np.int64))
    layout = layout_of(step)
    factors = np.arange(1, 7).reshape(2, 3)
    stream = pack_stream(step, layout, single_pass(step, layout), factors, packing.FIXED_AT)
    # Starts, a jump, the words -3 + 2 X, 11 + 7 X, 5 X, -13 X, a jump, the factors.
    assert stream[5:9].tolist() == [-3 + 2 * _X, 11 + 7 * _X, 5 * _X, -13 * _X]
    assert stream[10:].tolist() == [1, 2, 3, 4, 5, 6]
    # Channel A: the least low sum is 255 * -3; codes of -128, the zero point, are u = 0, so nothing is folded.
    assert (
        int(np.uint32(stream[0])) + (int(stream[1]) << 32) == 765 + (_X // 2) * _X + (_X // 2 - 765) * _X * _X
    )


@pytest.mark.parametrize("kernel", range(2, 10))
@pytest.mark.parametrize("ends", ["least", "largest", "random"])
def test_fields_hold_shifted_accumulators(kernel: int, ends: str) -> None:
    """Two accumulators side by side, from starts and words alone, against the sums that they stand for."""
    step = _step(kernel, 3, bias=123)
    layout = layout_of(step)
    assert layout.residues == 1
    begin = [int(value) for value in starts(step, layout)]
    rng = np.random.default_rng(kernel)
    pairs = -(-kernel // 2)
    for channel in range(2):
        taps = np.zeros((2 * pairs, 3), np.int64)
        taps[:kernel] = step.weights[channel, 0]
        # u of 2 pairs of positions and what their windows see.
        if ends == "random":
            u = rng.integers(0, 256, (2 * pairs + 4, 3))
        else:
            signs = np.concatenate([taps, np.zeros((4, 3), np.int64)]) > 0
            u = np.where(signs == (ends == "largest"), 255, 0)
        sums = []
        for pair in range(2):
            total = begin[channel]
            for position in range(pairs):
                for depth in range(3):
                    j = 2 * pair + 2 * position
                    pack = int(u[j, depth]) + int(u[j + 1, depth]) * _X
                    word = int(taps[2 * position + 1, depth]) + int(taps[2 * position, depth]) * _X
                    total += pack * word
            sums.append(total % (1 << 64))
        expected = [
            123 - (step.input_zero + 128) * int(taps.sum()) + int((taps[:kernel] * u[p : p + kernel]).sum())
            for p in range(4)
        ]
        carry = _signed(sums[0] >> 42, 22)
        fields = {0: (sums[0] >> 21) % _X, 1: carry + sums[1] % _X, 2: (sums[1] >> 21) % _X}
        for position, field in fields.items():
            assert field - _X // 2 == expected[position]


def test_matches_up_to_the_last_width_that_fits() -> None:
    kernel = KroneckerConvolution(halves=False)
    # 13 channels x 5 taps: 255 x (64 x 127 + 96) = 2,097,120 of 2^21 - 2; one more in a weight is 2,097,375.
    fits = _step(5, 13, weight=127, bias=-1_000_000)
    fits.weights[:, 0, 0, 0] = 96
    assert kernel.matches(fits)
    turned = dataclasses.replace(fits, weights=-fits.weights, bias=np.full(2, 1_000_000))
    assert kernel.matches(turned)
    too_wide = dataclasses.replace(fits, weights=fits.weights.copy())
    too_wide.weights[1, 0, 0, 0] = 97
    assert not kernel.matches(too_wide)


def test_centers_bring_accumulators_into_the_fields_with_as_little_as_possible() -> None:
    # Codes of -128 are 0: accumulators from the bias to the bias plus 8 x 4 x 127 x 255 = 1,036,320.
    assert centers(_step(8, 4, weight=127, bias=12_255)).tolist() == [0, 0]
    assert centers(_step(8, 4, weight=127, bias=12_256)).tolist() == [1, 1]
    assert centers(_step(8, 4, weight=127, bias=-1_048_575)).tolist() == [0, 0]
    assert centers(_step(8, 4, weight=127, bias=-1_048_580)).tolist() == [-5, -5]


def test_does_not_match_what_it_cannot_compute() -> None:
    kernel = KroneckerConvolution(halves=False)
    assert kernel.matches(_step(3, 4))
    assert not kernel.matches(_step(1, 4))
    assert not kernel.matches(_step(10, 1))
    assert not kernel.matches(_step(3, 4, outputs=3))
    assert not kernel.matches(_step(3, 4, groups=2))
    assert not kernel.matches(_step(2, 4, stride=3))


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", range(3, 10))
def test_every_tap_is_in_one_segment_and_rows_are_long_enough(
    kernel: int, dilation: int, stride: int
) -> None:
    layout = Layout(kernel, stride, dilation, 5)
    taps = [
        segment.residue + layout.residues * tap
        for segment in layout.segments
        for tap in range(2 * segment.word, 2 * (segment.word + segment.group.taps))
    ]
    assert len(set(taps)) == len(taps)
    assert set(range(kernel)) <= set(taps)
    for segment in layout.segments:
        last_pack = segment.pack + 2 * (layout.blocks - 1) + segment.group.taps
        assert last_pack < packing.ROW_WORDS
        assert (
            segment.end_byte <= packing.ROW_BYTES * layout.residue_rows * layout.residues + 4 * segment.pack
        )


def test_header_has_the_same_places() -> None:
    text = _HEADER.read_text()
    names: dict[str, int] = {}
    for name, value in re.findall(r"#define KRONECKER_(\w+) ([^\n/]+)", text):
        terms = re.sub(r"KRONECKER_(\w+)", lambda match: str(names[match[1]]), value)
        assert re.fullmatch(r"[\d+* ()-]+", terms)
        names[name] = eval(terms)
    assert names["ROW_WORDS"] == packing.ROW_WORDS
    assert names["RIGHT"] == packing.FIXED_RIGHT
    assert names["FIXED_AT"] == packing.FIXED_AT
    assert names["SCALED_AT"] == packing.SCALED_AT
    assert names["PROVEN_AT"] == packing.PROVEN_AT
    assert names["SUMMED_AT"] == packing.SUMMED_AT
    assert names["HALF_THREES_AT"] == packing.HALF_THREES_AT
