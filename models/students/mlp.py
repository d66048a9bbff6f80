"""Multilayer perceptrons on the raw window: the smallest students, and a lower bound of what a network must beat.

Own choices; widths are small because every weight is used once per window.
"""

from torch import Tensor, nn

PPG_SHAPE = (1, 256)
FOUR_CHANNELS_SHAPE = (4, 256)
PARAMETERS = {"mlp-small": 8_769, "mlp-wide": 72_193}


class MlpStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, channels, samples) float32 to heart rate (N, 1) float32, all samples in one vector.

    Args:
        features: channels x samples.
        hidden: widths of the hidden layers.
        batch_norm: a batch norm in front of each ReLU.
    """

    def __init__(self, features: int, hidden: tuple[int, ...], *, batch_norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        before = features
        for width in hidden:
            layers.append(nn.Linear(before, width))
            if batch_norm:
                layers.append(nn.BatchNorm1d(width))
            layers += [nn.ReLU(), nn.Dropout(0.1)]
            before = width
        self.layers = nn.Sequential(*layers, nn.Linear(before, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, samples) to (N, 1)."""
        rate: Tensor = self.layers(x)
        return rate


def mlp_small() -> MlpStudent:
    """PPG only, two hidden layers of 32 and 16."""
    return MlpStudent(256, (32, 16), batch_norm=False)


def mlp_wide() -> MlpStudent:
    """All four channels, hidden layers of 64, 64 and 32 with batch norms."""
    return MlpStudent(1024, (64, 64, 32), batch_norm=True)
