"""The PULSE student: 27,241 parameters, heart rate from PPG and three accelerometer axes.

Written from the layer table of "Replacing Attention with Modality-wise Convolution for Energy-Efficient
PPG-based Heart Rate Estimation using Knowledge Distillation" by Kasnesis et al. (TechRxiv, doi
10.36227/techrxiv.24504040), not copied from the authors' code.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (1, 4, 256)
PARAMETERS = 27_241
MACS = 3_383_328


def temporal_block(
    channels_in: int, channels_out: int, dilation: int, pool: int, dropout: float
) -> nn.Sequential:
    """Three dilated 1x3 convolutions along time, each with ReLU, then average pooling and dropout."""
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out, channels_out):
        layers.append(
            nn.Conv2d(channels, channels_out, (1, 3), dilation=(1, dilation), padding=(0, dilation))
        )
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.AvgPool2d((1, pool)), nn.Dropout(dropout))


class PulseStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Normalised windows (N, 1, 4, 256) float32 to heart rate (N, 1) float32.

    The four rows are PPG, ACC_X, ACC_Y, ACC_Z at 32 Hz. Time convolutions treat every row alike; `across`
    then joins the rows. There is no activation after `across` nor between the two dense layers.
    """

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.block1 = temporal_block(1, 16, dilation=2, pool=4, dropout=dropout)
        self.block2 = temporal_block(16, 24, dilation=3, pool=4, dropout=dropout)
        self.block3 = temporal_block(24, 32, dilation=4, pool=2, dropout=dropout)
        self.across = nn.Conv2d(32, 32, (4, 1))
        self.dense = nn.Linear(256, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 4, 256) to (N, 1)."""
        features = self.block3(self.block2(self.block1(x)))
        hidden = self.dense(torch.flatten(self.across(features), 1))
        rate: Tensor = self.out(hidden)
        return rate
