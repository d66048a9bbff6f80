"""MobileNet-1D: depthwise-separable convolutions, 185,601 parameters.

No published network with verifiable numbers exists for wrist PPG; the structure is that of MobileNet (Howard et al.
2017) in one dimension, and the widths are ours, inside the 100,000 to 300,000 parameters that articles name.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
PARAMETERS = 185_601
_STEM_CHANNELS = 32
# Channels and stride of each separable block.
_BLOCKS = ((64, 1), (96, 2), (128, 1), (128, 2), (192, 1), (256, 2), (256, 1))


def _separable(channels_in: int, channels_out: int, stride: int) -> list[nn.Module]:
    """Depthwise convolution of kernel 5, then a 1x1 convolution, both with batch norm and ReLU6."""
    return [
        nn.Conv1d(channels_in, channels_in, 5, stride, padding=2, groups=channels_in, bias=False),
        nn.BatchNorm1d(channels_in),
        nn.ReLU6(),
        nn.Conv1d(channels_in, channels_out, 1, bias=False),
        nn.BatchNorm1d(channels_out),
        nn.ReLU6(),
    ]


class MobileNet1D(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv1d(INPUT_SHAPE[0], _STEM_CHANNELS, 5, 2, padding=2, bias=False),
            nn.BatchNorm1d(_STEM_CHANNELS),
            nn.ReLU6(),
        ]
        before = _STEM_CHANNELS
        for channels, stride in _BLOCKS:
            layers += _separable(before, channels, stride)
            before = channels
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.out = nn.Linear(before, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        rate: Tensor = self.out(torch.flatten(self.pool(self.features(x)), 1))
        return rate
