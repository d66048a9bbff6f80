"""Networks for wrist PPG by their layer tables (models/students/ has the sources), without torch."""

from benchmarks.networks.maker import NetworkMaker
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation, Padding

_CLASSES = 180
_NONE, _RELU, _RELU6 = Activation.NONE, Activation.RELU, Activation.RELU6


def pulse(seed: int = 1) -> Graph:
    """The PULSE student: 3,383,328 MAC."""
    net = NetworkMaker("pulse", (1, 4, 256, 1), seed)
    name = net.input
    for channels, dilation, pool in ((16, 2, 4), (24, 3, 4), (32, 4, 2)):
        for _ in range(3):
            name = net.convolution(name, channels, (1, 3), dilation=(1, dilation))
        name = net.average_pool(name, (1, pool))
    name = net.convolution(name, 32, (4, 1), padding=Padding.VALID, activation=_NONE)
    return net.int8(net.dense(net.dense(name, 32), 1))


def residual(blocks: int, seed: int = 2) -> Graph:
    """The published residual networks (Arora et al., WildPPG), batch normalisation behind sums as MUL and ADD.

    1, 2, 6, 10 blocks have 2,085,760, 3,109,760, 7,211,520 and 11,523,840 MAC.
    """
    net = NetworkMaker(f"residual {blocks}", (1, 1, 200, 1), seed)
    name = net.convolution(net.input, 32, (1, 5))
    for block in range(blocks):
        before = name
        if block:
            name = net.batch_norm(name)
        channels = 32 * 2 ** (block // 4)
        stride = 1 + block % 2
        name = net.convolution(name, channels, (1, 5), stride=(1, stride))
        name = net.convolution(name, channels, (1, 5), activation=_NONE)
        if stride == 2:
            before = net.max_pool(before, (1, 2), padding=Padding.SAME)
        new = channels - net.shape(before)[3]
        if new:
            before = net.pad(before, ((0, 0), (0, 0), (0, 0), (new // 2, new - new // 2)))
        name = net.add(name, before)
    return net.int8(net.dense(net.global_average(net.batch_norm(name)), _CLASSES))


def residual_folded(blocks: int, seed: int = 3) -> Graph:
    """Residual networks in which every batch normalisation follows a convolution: ReLU behind the sums.

    The reference's own shapes are not documented. These have its multiply-accumulates, with 2 blocks (1,103,360) as
    with 6 (4,070,528): stem of 7 samples, kernel 5, every other block halves the signal, 1 x 1 shortcuts.
    """
    net = NetworkMaker(f"residual {blocks} folded", (1, 1, 200, 1), seed)
    name = net.convolution(net.input, 32, (1, 7), stride=(1, 2))
    for block in range(blocks):
        channels = 32 * 2 ** ((block + 2) // 4)
        stride = (1, 2 - block % 2)
        shortcut = name
        if stride != (1, 1) or channels != net.shape(name)[3]:
            shortcut = net.convolution(name, channels, (1, 1), stride=stride, activation=_NONE)
        inner = net.convolution(name, channels, (1, 5), stride=stride)
        inner = net.convolution(inner, channels, (1, 5), activation=_NONE)
        name = net.add(inner, shortcut, activation=_RELU)
    return net.int8(net.dense(net.global_average(name), _CLASSES))


def mobilenet_1d(seed: int = 4) -> Graph:
    """Depthwise-separable network with the reference's 2,074,368 MAC, whose own shapes are not documented."""
    net = NetworkMaker("mobilenet-1d", (1, 1, 200, 1), seed)
    name = net.convolution(net.input, 32, (1, 7), stride=(1, 2), activation=_RELU6)
    for channels, stride in ((48, 1), (48, 1), (48, 1), (96, 2), (96, 2), (96, 1), (128, 2), (256, 1)):
        name = net.depthwise(name, (1, 5), stride=(1, stride), activation=_RELU6)
        name = net.convolution(name, channels, (1, 1), activation=_RELU6)
    return net.int8(net.dense(net.global_average(name), _CLASSES))


def microresnet(seed: int = 5) -> Graph:
    """Bottlenecks with the reference's 2,629,824 MAC, whose own shapes are not documented."""
    net = NetworkMaker("microresnet", (1, 1, 200, 1), seed)
    name = net.convolution(net.input, 32, (1, 7), stride=(1, 2))
    for wide, stride in ((64, 1), (64, 2), (64, 1), (64, 2), (64, 1), (96, 1), (192, 2), (192, 1)):
        shortcut = name
        if stride != 1 or wide != net.shape(name)[3]:
            shortcut = net.convolution(name, wide, (1, 1), stride=(1, stride), activation=_NONE)
        inner = net.convolution(name, wide // 4, (1, 1), stride=(1, stride))
        inner = net.convolution(inner, wide // 4, (1, 5))
        inner = net.convolution(inner, wide, (1, 1), activation=_NONE)
        name = net.add(inner, shortcut, activation=_RELU)
    return net.int8(net.dense(net.global_average(name), _CLASSES))


def timeppg_medium(seed: int = 6) -> Graph:
    """TimePPG medium of Q-PPG: 3,860,944 MAC."""
    net = NetworkMaker("timeppg-medium", (1, 1, 256, 4), seed)
    name = net.input
    channels = iter((26, 17, 42, 63, 41, 26, 30, 27, 16))
    for dilation, stride, pad in ((2, 1, 2), (4, 2, 2), (8, 4, 4)):
        for _ in range(2):
            name = net.convolution(name, next(channels), (1, 3), dilation=(1, dilation), activation=_RELU6)
        padded = net.pad(name, ((0, 0), (0, 0), (pad, pad), (0, 0)))
        name = net.convolution(
            padded, next(channels), (1, 5), stride=(1, stride), padding=Padding.VALID, activation=_NONE
        )
        name = net.average_pool(name, (1, 2), activation=_RELU6)
    for units in (45, 80):
        name = net.dense(name, units, activation=_RELU6)
    return net.int8(net.dense(name, 1))
