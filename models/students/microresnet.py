"""MicroResNet: bottleneck blocks and padded maximum pools, 143,233 parameters.

The name and the size come from articles without sources; the structure is the bottleneck of He et al. 2015 in one
dimension, the widths are ours.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
PARAMETERS = 143_233
_STEM_CHANNELS = 32
# Narrow and wide channels, stride of each block.
_BLOCKS = ((16, 64, 1), (24, 96, 2), (24, 96, 1), (40, 160, 2), (40, 160, 1), (48, 192, 2))


class Bottleneck(nn.Module):  # type: ignore[misc, unused-ignore]
    """1x1, kernel 5, 1x1 with batch norms; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, channels_in: int, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(channels_in, narrow, 1, bias=False),
            nn.BatchNorm1d(narrow),
            nn.ReLU(),
            nn.Conv1d(narrow, narrow, 5, stride, padding=2, bias=False),
            nn.BatchNorm1d(narrow),
            nn.ReLU(),
            nn.Conv1d(narrow, wide, 1, bias=False),
            nn.BatchNorm1d(wide),
        )
        changes = stride != 1 or channels_in != wide
        self.shortcut = (
            nn.Sequential(nn.Conv1d(channels_in, wide, 1, stride, bias=False), nn.BatchNorm1d(wide))
            if changes
            else nn.Identity()
        )
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, L) to (N, wide, ceil(L / stride))."""
        result: Tensor = self.activation(self.body(x) + self.shortcut(x))
        return result


class MicroResNet(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(INPUT_SHAPE[0], _STEM_CHANNELS, 7, 2, padding=3, bias=False),
            nn.BatchNorm1d(_STEM_CHANNELS),
            nn.ReLU(),
            nn.MaxPool1d(3, 2, padding=1),
        )
        wides = [_STEM_CHANNELS, *(wide for _, wide, _ in _BLOCKS)]
        self.blocks = nn.Sequential(
            *(
                Bottleneck(before, narrow, wide, stride)
                for before, (narrow, wide, stride) in zip(wides, _BLOCKS, strict=False)
            )
        )
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.out = nn.Linear(wides[-1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        features = self.pool(self.blocks(self.stem(x)))
        rate: Tensor = self.out(torch.flatten(features, 1))
        return rate
