"""The PULSE teacher: 131,825 parameters with cross attention, and a variant of ours without attention.

Written from the description in "PULSE: Towards accurate heart rate estimation using attention-based fusion" and
"Replacing Attention with Modality-wise Convolution" by Kasnesis et al., not copied from the authors' code.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (1, 4, 256)
PARAMETERS = 131_825
PARAMETERS_WITHOUT_ATTENTION = 147_153
# 26.3 M published; by hand: 25,722,880 in the convolutions, 524,288 in the attention, 32,800 in the dense layers.
MACS = 26_279_968
_CHANNELS = (32, 48, 64)
_POOLS = (4, 2, 2)
_TOKEN_LENGTH = 16
_HEADS = 4


def _temporal_block(channels_in: int, channels_out: int, pool: int, dropout: float) -> nn.Sequential:
    """Three 1x5 convolutions of dilation 2 along time, each with ReLU, then average pooling and dropout."""
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out, channels_out):
        layers += [nn.Conv2d(channels, channels_out, (1, 5), dilation=(1, 2), padding=(0, 4)), nn.ReLU()]
    return nn.Sequential(*layers, nn.AvgPool2d((1, pool)), nn.Dropout(dropout))


def _temporal_blocks(dropout: float) -> nn.Sequential:
    """(N, 1, 4, 256) to (N, 64, 4, 16)."""
    channels_in = (1, *_CHANNELS[:-1])
    blocks = zip(channels_in, _CHANNELS, _POOLS, strict=True)
    return nn.Sequential(*(_temporal_block(*block, dropout) for block in blocks))


class PulseTeacher(nn.Module):  # type: ignore[misc, unused-ignore]
    """Normalised windows (N, 1, 4, 256) float32 to heart rate (N, 1) float32.

    A token is one channel of one row, 16 samples long. The 64 tokens of the PPG row ask, the 192 of the
    accelerometer rows answer. The published description names no residual connection around the attention.
    """

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.blocks = _temporal_blocks(dropout)
        self.attention = nn.MultiheadAttention(_TOKEN_LENGTH, _HEADS, batch_first=True)
        self.norm = nn.LayerNorm(_TOKEN_LENGTH)
        self.dense = nn.Linear(_CHANNELS[-1] * _TOKEN_LENGTH, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 4, 256) to (N, 1)."""
        features = self.blocks(x)
        ppg = features[:, :, 0, :]
        acceleration = features[:, :, 1:, :].reshape(-1, 3 * _CHANNELS[-1], _TOKEN_LENGTH)
        attended, _ = self.attention(ppg, acceleration, acceleration, need_weights=False)
        hidden = self.dense(torch.flatten(self.norm(attended), 1))
        rate: Tensor = self.out(hidden)
        return rate


class PulseTeacherWithoutAttention(nn.Module):  # type: ignore[misc, unused-ignore]
    """The teacher's convolutions, joined across the rows as in the student: (N, 1, 4, 256) to (N, 1).

    Our own variant, with no published counts: a network of the teacher's size for chips without attention.
    """

    def __init__(self, dropout: float = 0.5) -> None:
        super().__init__()
        self.blocks = _temporal_blocks(dropout)
        self.across = nn.Conv2d(_CHANNELS[-1], _CHANNELS[-1], (4, 1))
        self.dense = nn.Linear(_CHANNELS[-1] * _TOKEN_LENGTH, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 4, 256) to (N, 1)."""
        hidden = self.dense(torch.flatten(self.across(self.blocks(x)), 1))
        rate: Tensor = self.out(hidden)
        return rate
