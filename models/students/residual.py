"""Residual networks of Arora et al. and WildPPG: PPG only, 25 Hz, 180 classes of 1 BPM from 30 BPM.

Written from the description of the network in "WildPPG: A Real-World PPG Dataset of Long Continuous Recordings"
(Meier et al.) and the layer table of our notes. The authors' code is GPL-3.0 and was not used.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

INPUT_SHAPE = (1, 200)
CLASSES = 180
_STEM_CHANNELS = 32
_KERNEL = 5
# The published code also builds a dense layer of 200 outputs and a first batch norm that no window passes through.
_UNUSED_DENSE_OUTPUTS = 200

# Blocks: parameters that an export holds, parameters as published, multiply-accumulates.
PARAMETERS = {1: 16_628, 2: 27_060, 4: 47_924, 6: 126_132, 8: 208_820, 10: 508_596, 12: 837_812}
PUBLISHED_PARAMETERS = {1: 23_292, 2: 33_724, 4: 54_588, 6: 139_196, 8: 221_884, 10: 534_460, 12: 863_676}
MACS = {1: 2_085_760, 2: 3_109_760, 4: 4_645_760, 6: 7_211_520, 8: 8_768_000, 10: 11_523_840, 12: 13_326_080}


def unused_parameters(blocks: int) -> int:
    """Parameters of the published code that no output depends on: `dense2` and the batch norm `bn1` of block 0."""
    channels = block_channels(blocks - 1)
    dense2 = channels * _UNUSED_DENSE_OUTPUTS + _UNUSED_DENSE_OUTPUTS
    first_batch_norm = 2 * _STEM_CHANNELS
    return dense2 + first_batch_norm


def block_channels(block: int) -> int:
    """Channels behind block 0, 1, ...: they double every fourth block."""
    return _STEM_CHANNELS * int(2 ** (block // 4))


class SameConvolution(nn.Module):  # type: ignore[misc, unused-ignore]
    """Conv1d of kernel 5 that keeps ceil(length / stride) samples; an odd padding sample goes to the right."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.convolution = nn.Conv1d(channels_in, channels_out, _KERNEL, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, L) to (N, channels_out, ceil(L / stride))."""
        # Exporters turn Python's // and % of negative numbers into ONNX's, which round differently.
        length = x.shape[-1]
        kept = (length + self.stride - 1) // self.stride
        total = (kept - 1) * self.stride + _KERNEL - length
        result: Tensor = self.convolution(functional.pad(x, (total // 2, total - total // 2)))
        return result


class ResidualBlock(nn.Module):  # type: ignore[misc, unused-ignore]
    """Pre-activation block: [batch norm, ReLU] convolution, batch norm, ReLU, convolution, plus the shortcut.

    The first block of a network starts with its convolution. The shortcut halves the signal by a maximum pool over
    zero-padded samples and pads new channels with zeros.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, stride: int, is_first: bool, dropout: float
    ) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = channels_out - channels_in
        self.pool = nn.MaxPool1d(2)
        self.before = (
            nn.Identity()
            if is_first
            else nn.Sequential(nn.BatchNorm1d(channels_in), nn.ReLU(), nn.Dropout(dropout))
        )
        self.first = SameConvolution(channels_in, channels_out, stride)
        self.between = nn.Sequential(nn.BatchNorm1d(channels_out), nn.ReLU(), nn.Dropout(dropout))
        self.second = SameConvolution(channels_out, channels_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, L) to (N, channels_out, ceil(L / stride))."""
        shortcut = x
        if self.stride > 1:
            shortcut = functional.pad(shortcut, (0, shortcut.shape[-1] % 2))
            shortcut = self.pool(shortcut)
        if self.new_channels:
            before = self.new_channels // 2
            behind_channels = (0, 0) * (shortcut.dim() - 2)
            shortcut = functional.pad(shortcut, (*behind_channels, before, self.new_channels - before))
        result: Tensor = self.second(self.between(self.first(self.before(x)))) + shortcut
        return result


class ResidualStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 1, 200) float32 to logits (N, 180) float32."""

    def __init__(self, blocks: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.stem = SameConvolution(INPUT_SHAPE[0], _STEM_CHANNELS, 1)
        self.stem_norm = nn.Sequential(nn.BatchNorm1d(_STEM_CHANNELS), nn.ReLU())
        channels = [_STEM_CHANNELS, *(block_channels(block) for block in range(blocks))]
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(
                    channels[block],
                    channels[block + 1],
                    stride=1 + block % 2,
                    is_first=block == 0,
                    dropout=dropout,
                )
                for block in range(blocks)
            )
        )
        self.tail_norm = nn.Sequential(nn.BatchNorm1d(channels[-1]), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.dense = nn.Linear(channels[-1], CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 200) to (N, 180)."""
        features = self.pool(self.tail_norm(self.blocks(self.stem_norm(self.stem(x)))))
        logits: Tensor = self.dense(torch.flatten(features, 1))
        return logits
