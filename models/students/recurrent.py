"""An LSTM and a GRU of 64 units behind strided convolutions that shorten the signal to 16 steps.

Articles name LSTM students of about 50,000 parameters without sources; the front end is ours. A short sequence keeps
the int8 state's errors from piling up and the number of steps on the chip small.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
UNITS = 64
PARAMETERS = {"lstm-64": 28_081, "gru-64": 21_809}
_FRONT_CHANNELS = (16, 32)


class RecurrentStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32.

    Args:
        cell: `torch.nn.LSTM` or `torch.nn.GRU`; it sees 16 steps of 32 features, its last state is decoded.
    """

    def __init__(self, cell: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        first, second = _FRONT_CHANNELS
        self.front = nn.Sequential(
            nn.Conv1d(INPUT_SHAPE[0], first, 5, 4, padding=2),
            nn.ReLU(),
            nn.Conv1d(first, second, 5, 4, padding=2),
            nn.ReLU(),
        )
        self.recurrent = cell(second, UNITS, batch_first=True)
        self.out = nn.Linear(UNITS, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        steps = torch.transpose(self.front(x), 1, 2)
        states, _ = self.recurrent(steps)
        rate: Tensor = self.out(states[:, -1, :])
        return rate
