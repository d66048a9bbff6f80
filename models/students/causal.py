"""A small temporal convolutional network: causal dilated convolutions with residual connections.

The structure is that of Bai et al. 2018 (TCN); the widths are ours. A causal convolution pads both sides and chops the
samples that see the future, the way most TCN code does.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
PARAMETERS = 14_545
_CHANNELS = 24
_DILATIONS = (1, 2, 4, 8)


class Chomp(nn.Module):  # type: ignore[misc, unused-ignore]
    """Drops the last samples."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples = samples

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, L) to (N, C, L - samples)."""
        return x[..., : -self.samples]


class CausalBlock(nn.Module):  # type: ignore[misc, unused-ignore]
    """Two causal convolutions of kernel 3, plus the input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        padding = 2 * dilation
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv1d(channels, channels, 3, dilation=dilation, padding=padding),
                Chomp(padding),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, L) to the same shape."""
        result: Tensor = torch.relu(self.body(x) + x)
        return result


class CausalStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv1d(INPUT_SHAPE[0], _CHANNELS, 5, 2, padding=2), nn.ReLU())
        self.blocks = nn.Sequential(*(CausalBlock(_CHANNELS, dilation) for dilation in _DILATIONS))
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.out = nn.Linear(_CHANNELS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        rate: Tensor = self.out(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))
        return rate
