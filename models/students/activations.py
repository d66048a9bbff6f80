"""A small convolutional student with a choice of activation, and one with squeeze-and-excitation.

Own networks: they exist so that every activation a student may use is converted, quantised and run.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
PARAMETERS = 6_329
PARAMETERS_SQUEEZE_EXCITATION = 7_347
_CHANNELS = (16, 24, 32)

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "leaky-relu": nn.LeakyReLU,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class SqueezeExcitation(nn.Module):  # type: ignore[misc, unused-ignore]
    """Scales each channel by a gate computed from the means of all channels (Hu et al. 2017)."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool1d(1),
            nn.Conv1d(channels, narrow, 1),
            nn.ReLU(),
            nn.Conv1d(narrow, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, L) to the same shape."""
        result: Tensor = x * self.gate(x)
        return result


class SmallStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32: three strided convolutions, mean, dense layer.

    Args:
        activation: class of the activation behind each batch norm.
        squeeze_excitation: a gate per channel behind each activation.
    """

    def __init__(self, activation: type[nn.Module], *, squeeze_excitation: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = INPUT_SHAPE[0]
        for channels in _CHANNELS:
            layers += [nn.Conv1d(before, channels, 5, 2, padding=2), nn.BatchNorm1d(channels), activation()]
            if squeeze_excitation:
                layers.append(SqueezeExcitation(channels, channels // 4))
            before = channels
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.out = nn.Linear(before, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        rate: Tensor = self.out(torch.flatten(self.pool(self.features(x)), 1))
        return rate
