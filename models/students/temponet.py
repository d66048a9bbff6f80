"""TEMPONet and the three TimePPG networks: 4 x 256 samples to one heart rate.

Written from the layer table of "Q-PPG: Energy-Efficient PPG-Based Heart Rate Monitoring on Wearable Devices"
(Burrello et al.), not copied from the authors' code (Apache-2.0).
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
_LENGTH_AT_THE_END = 4

# Channels of the nine convolutions, widths of the two hidden dense layers.
WIDTHS: dict[str, tuple[tuple[int, ...], tuple[int, int]]] = {
    "temponet": ((32, 32, 64, 64, 64, 128, 128, 128, 128), (256, 128)),
    "timeppg-big": ((32, 32, 63, 64, 64, 121, 122, 104, 76), (82, 61)),
    "timeppg-medium": ((26, 17, 42, 63, 41, 26, 30, 27, 16), (45, 80)),
    "timeppg-small": ((2, 3, 2, 13, 2, 2, 31, 4, 9), (28, 77)),
}
PARAMETERS = {
    "temponet": 425_729,
    "timeppg-big": 230_144,
    "timeppg-medium": 40_542,
    "timeppg-small": 4_574,
}
MACS = {
    "temponet": 13_320_320,
    "timeppg-big": 12_085_319,
    "timeppg-medium": 3_860_944,
    "timeppg-small": 62_397,
}
# As published, rounded to 0.01 M (small: 0.001 M).
MEGA_MACS = {"temponet": 13.32, "timeppg-big": 12.09, "timeppg-medium": 3.86, "timeppg-small": 0.062}


def _padding(kernel: int, dilation: int) -> int:
    return ((kernel - 1) * dilation + 1) // 2


def _dilated(channels_in: int, channels_out: int, dilation: int) -> list[nn.Module]:
    """Convolution of kernel 3 that keeps the length, batch norm, ReLU6."""
    convolution = nn.Conv1d(
        channels_in, channels_out, 3, dilation=dilation, padding=_padding(3, dilation), bias=False
    )
    return [convolution, nn.BatchNorm1d(channels_out), nn.ReLU6()]


def _strided(channels_in: int, channels_out: int, stride: int, padding: int) -> list[nn.Module]:
    """Convolution of kernel 5, average pool of 2, batch norm, ReLU6."""
    convolution = nn.Conv1d(channels_in, channels_out, 5, stride, padding=padding, bias=False)
    return [convolution, nn.AvgPool1d(2), nn.BatchNorm1d(channels_out), nn.ReLU6()]


class TempoNet(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32; 256 -> 128 -> 32 -> 4 samples.

    Args:
        channels: of the nine convolutions.
        hidden: widths of the two dense layers in front of the last.
    """

    def __init__(self, channels: tuple[int, ...], hidden: tuple[int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = INPUT_SHAPE[0]
        ends = ((1, _padding(5, 1)), (2, _padding(5, 1)), (4, 4))
        for block, (stride, padding) in enumerate(ends):
            first, second, third = channels[3 * block : 3 * block + 3]
            dilation = 2 ** (block + 1)
            layers += _dilated(before, first, dilation) + _dilated(first, second, dilation)
            layers += _strided(second, third, stride, padding)
            before = third
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Sequential(
            nn.Linear(_LENGTH_AT_THE_END * before, hidden[0], bias=False),
            nn.BatchNorm1d(hidden[0]),
            nn.ReLU6(),
            nn.Linear(hidden[0], hidden[1], bias=False),
            nn.BatchNorm1d(hidden[1]),
            nn.ReLU6(),
        )
        self.out = nn.Linear(hidden[1], 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        rate: Tensor = self.out(self.hidden(torch.flatten(self.features(x), 1)))
        return rate


def temponet(name: str) -> TempoNet:
    """The network of that name in `WIDTHS`."""
    return TempoNet(*WIDTHS[name])
