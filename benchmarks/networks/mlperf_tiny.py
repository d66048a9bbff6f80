"""Networks with the operators and shapes of MLPerf Tiny's four models (Banbury et al. 2021), weights of our own.

They answer nothing about keywords, images or machines, and their figures are no MLPerf Tiny results. Every size can be
reduced, so that tests can run small versions with the same operators.
"""

from benchmarks.networks.maker import NetworkMaker
from ppg_deploy.graph import Graph
from ppg_deploy.graph.operators import Activation

_NONE, _RELU = Activation.NONE, Activation.RELU


def residual_2d(size: int = 32, widths: tuple[int, ...] = (16, 32, 64), seed: int = 11) -> Graph:
    """Image classification: three residual stages of 3 x 3 convolutions on size x size x 3."""
    net = NetworkMaker("ic-resnet", (1, size, size, 3), seed)
    name = net.convolution(net.input, widths[0], (3, 3))
    for stage, channels in enumerate(widths):
        stride = (1, 1) if stage == 0 else (2, 2)
        inner = net.convolution(name, channels, (3, 3), stride=stride)
        inner = net.convolution(inner, channels, (3, 3), activation=_NONE)
        shortcut = name
        if stage:
            shortcut = net.convolution(name, channels, (1, 1), stride=stride, activation=_NONE)
        name = net.add(inner, shortcut, activation=_RELU)
    return net.int8(net.softmax(net.dense(net.global_average(name), 10)))


def depthwise_separable_keywords(
    frames: int = 49, features: int = 10, channels: int = 64, blocks: int = 4, seed: int = 12
) -> Graph:
    """Keyword spotting: DS-CNN on frames x features."""
    net = NetworkMaker("kws-dscnn", (1, frames, features, 1), seed)
    name = net.convolution(net.input, channels, (10, 4), stride=(2, 2))
    for _ in range(blocks):
        name = net.depthwise(name, (3, 3))
        name = net.convolution(name, channels, (1, 1))
    return net.int8(net.softmax(net.dense(net.global_average(name), 12)))


def mobilenet_v1(
    size: int = 96,
    blocks: tuple[tuple[int, int], ...] = (
        *((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)),
        *((128, 1), (128, 1), (128, 1), (128, 1), (128, 1), (256, 2), (256, 1)),
    ),
    seed: int = 13,
) -> Graph:
    """Visual wake words: MobileNet v1 of width 0.25 on size x size x 3; `blocks` holds (channels, stride)."""
    net = NetworkMaker("vww-mobilenet", (1, size, size, 3), seed)
    name = net.convolution(net.input, 8, (3, 3), stride=(2, 2))
    for channels, stride in blocks:
        name = net.depthwise(name, (3, 3), stride=(stride, stride))
        name = net.convolution(name, channels, (1, 1))
    return net.int8(net.softmax(net.dense(net.global_average(name), 2)))


def dense_autoencoder(features: int = 640, width: int = 128, code: int = 8, seed: int = 14) -> Graph:
    """Anomaly detection: dense layers features - 4 x width - code - 4 x width - features."""
    net = NetworkMaker("ad-autoencoder", (1, features), seed)
    name = net.input
    for units in (*[width] * 4, code, *[width] * 4):
        name = net.dense(name, units, activation=_RELU)
    return net.int8(net.dense(name, features))
