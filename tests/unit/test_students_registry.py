"""Parameters and multiply-accumulates of every student, against publications and counts by hand."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.students import residual, temponet  # noqa: E402
from models.students.registry import STUDENTS, Student  # noqa: E402

README = Path(__file__).parents[2] / "models" / "students" / "README.md"


def parameters(student: Student) -> int:
    return sum(parameter.numel() for parameter in student.build().parameters())


def products_of_layers(student: Student) -> int:
    """Multiply-accumulates of convolutions and dense layers for one window."""
    counted = 0

    def count(layer: Any, _: object, output: Any) -> None:
        nonlocal counted
        counted += output[0].numel() * layer.weight[0].numel()

    network = student.build().eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv1d | torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    network(torch.zeros(1, *student.input_shape))
    return counted


@pytest.mark.parametrize("name", STUDENTS)
def test_registered_counts_and_shapes(name: str) -> None:
    student = STUDENTS[name]
    assert parameters(student) == student.parameters
    outputs = student.build().eval()(torch.zeros(3, *student.input_shape))
    assert outputs.shape[0] == 3
    assert outputs.numel() == 3 * student.outputs


# Printed in the publications or, for the networks of Q-PPG and of PULSE, counted on the authors' own definitions.
PUBLISHED = {
    "pulse": 27_241,
    "pulse-teacher": 131_825,
    "resnet1": 23_292,
    "resnet2": 33_724,
    "resnet4": 54_588,
    "resnet6": 139_196,
    "resnet8": 221_884,
    "resnet10": 534_460,
    "resnet12": 863_676,
    "temponet": 425_729,
    "timeppg-big": 230_144,
    "timeppg-medium": 40_542,
    "timeppg-small": 4_574,
}


def test_every_published_count_is_met() -> None:
    assert {
        name: student.published_parameters
        for name, student in STUDENTS.items()
        if student.published_parameters is not None
    } == PUBLISHED
    for name, published in PUBLISHED.items():
        unused = residual.unused_parameters(int(name[6:])) if name.startswith("resnet") else 0
        assert parameters(STUDENTS[name]) + unused == published, name


@pytest.mark.parametrize("blocks", residual.PARAMETERS)
def test_the_unused_layers_of_the_published_residual_networks(blocks: int) -> None:
    """`dense2` (as many inputs as the network has channels, 200 outputs) and `bn1` of block 0 (32 channels)."""
    channels = {1: 32, 2: 32, 4: 32, 6: 64, 8: 64, 10: 128, 12: 128}[blocks]
    unused = torch.nn.ModuleList([torch.nn.Linear(channels, 200), torch.nn.BatchNorm1d(32)])
    assert residual.unused_parameters(blocks) == sum(value.numel() for value in unused.parameters())


MACS = {
    "pulse": 3_383_328,
    "resnet1": 2_085_760,
    "resnet2": 3_109_760,
    "resnet4": 4_645_760,
    "resnet6": 7_211_520,
    "resnet8": 8_768_000,
    "resnet10": 11_523_840,
    "resnet12": 13_326_080,
}


@pytest.mark.parametrize(("name", "macs"), MACS.items())
def test_published_multiply_accumulates(name: str, macs: int) -> None:
    assert products_of_layers(STUDENTS[name]) == STUDENTS[name].macs == macs


@pytest.mark.parametrize(("name", "mega_macs"), temponet.MEGA_MACS.items())
def test_multiply_accumulates_published_rounded(name: str, mega_macs: float) -> None:
    macs = products_of_layers(STUDENTS[name])
    assert macs == STUDENTS[name].macs
    assert round(macs / 1e6, 3 if mega_macs < 1 else 2) == mega_macs


def test_multiply_accumulates_of_the_teacher() -> None:
    """26.3 M published. nn.MultiheadAttention's products are no layers of their own."""
    teacher = STUDENTS["pulse-teacher"]
    queries, keys, features = 64, 192, 16
    projections = (queries + 2 * keys) * features * features
    # The output projection is a layer of its own, but PyTorch does not call it as one.
    attention = projections + 2 * queries * keys * features + queries * features * features
    assert products_of_layers(teacher) + attention == teacher.macs
    assert teacher.macs is not None and round(teacher.macs / 1e6, 1) == 26.3


def _convolution(channels_in: int, channels_out: int, kernel: int, *, bias: bool = True) -> int:
    return channels_in * channels_out * kernel + channels_out * bias


def _separable(channels_in: int, channels_out: int) -> int:
    """Depthwise of kernel 5 and 1x1, each with a batch norm."""
    return channels_in * 5 + 2 * channels_in + channels_in * channels_out + 2 * channels_out


def _bottleneck(channels_in: int, narrow: int, wide: int, *, shortcut: bool) -> int:
    body = channels_in * narrow + 2 * narrow + 5 * narrow * narrow + 2 * narrow + narrow * wide + 2 * wide
    return body + (channels_in * wide + 2 * wide if shortcut else 0)


FRONT = _convolution(4, 16, 5) + _convolution(16, 32, 5)
SMALL = _convolution(4, 16, 5) + _convolution(16, 24, 5) + _convolution(24, 32, 5) + 2 * (16 + 24 + 32) + 33
BY_HAND = {
    "mobilenet-1d": 4 * 32 * 5
    + 2 * 32
    + _separable(32, 64)
    + _separable(64, 96)
    + _separable(96, 128)
    + _separable(128, 128)
    + _separable(128, 192)
    + _separable(192, 256)
    + _separable(256, 256)
    + 257,
    "microresnet": 4 * 32 * 7
    + 2 * 32
    + _bottleneck(32, 16, 64, shortcut=True)
    + _bottleneck(64, 24, 96, shortcut=True)
    + _bottleneck(96, 24, 96, shortcut=False)
    + _bottleneck(96, 40, 160, shortcut=True)
    + _bottleneck(160, 40, 160, shortcut=False)
    + _bottleneck(160, 48, 192, shortcut=True)
    + 193,
    "mlp-small": 257 * 32 + 33 * 16 + 17,
    "mlp-wide": 1025 * 64 + 65 * 64 + 65 * 32 + 33 + 2 * (64 + 64 + 32),
    # Per gate: 32 features and 64 states to 64 units, and two biases.
    "lstm-64": FRONT + 4 * (64 * (32 + 64) + 2 * 64) + 65,
    "gru-64": FRONT + 3 * (64 * (32 + 64) + 2 * 64) + 65,
    "causal": _convolution(4, 24, 5) + 8 * _convolution(24, 24, 3) + 25,
    "attention": FRONT + 2 * 64 + 4 * 33 * 32 + 33 * 64 + 65 * 32 + 33,
    "small-relu": SMALL,
    # Channels to a quarter and back, with biases.
    "small-squeeze-excitation": SMALL
    + sum(channels * narrow * 2 + channels + narrow for channels, narrow in ((16, 4), (24, 6), (32, 8))),
    "expectation-sum": _convolution(1, 16, 5) + _convolution(16, 16, 5) + 17 * 180,
    "pulse-teacher-without-attention": (32 * 6 + 2 * 32 * 161)
    + (48 * 161 + 2 * 48 * 241)
    + (64 * 241 + 2 * 64 * 321)
    + (64 * 64 * 4 + 64)
    + 1025 * 32
    + 33,
}


@pytest.mark.parametrize(("name", "count"), BY_HAND.items())
def test_parameters_of_our_own_networks_by_hand(name: str, count: int) -> None:
    assert parameters(STUDENTS[name]) == count


def test_every_network_of_our_own_has_a_count_by_hand() -> None:
    alike = {name.split("-")[0] if name.startswith(("small", "expectation")) else name for name in BY_HAND}
    for name, student in STUDENTS.items():
        if student.published_parameters is None:
            assert name in BY_HAND or name.split("-")[0] in alike, name


def test_the_readme_lists_every_network_with_its_parameters() -> None:
    rows = [line.split("|") for line in README.read_text().splitlines() if line.startswith("| `")]
    for name, student in STUDENTS.items():
        listed = [row for row in rows if f"`{name}`" in row[1]]
        if not listed:
            family = name.split("-")[0]
            listed = [row for row in rows if row[1].startswith(f" `{family}-") and "…" in row[1]]
        assert listed and f"{student.parameters:,}" in listed[0][3], name
