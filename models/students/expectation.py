"""Students whose heart rate is the softmax-weighted mean of bins, computed inside the model in several spellings.

The spellings are those that students in the literature use; each computes the same sum over the bins.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

INPUT_SHAPE = (1, 200)
BINS = 180
FIRST_BIN_BPM = 30.0
PARAMETERS = 4_452
_CHANNELS = 16


def _sum_of_products(probabilities: Tensor, bins: Tensor) -> Tensor:
    return (probabilities * bins).sum(dim=-1)


def _sum_of_products_keeping_the_axis(probabilities: Tensor, bins: Tensor) -> Tensor:
    return torch.sum(bins * probabilities, dim=1, keepdim=True)


def _product_with_a_vector(probabilities: Tensor, bins: Tensor) -> Tensor:
    return probabilities @ bins


def _product_with_a_column(probabilities: Tensor, bins: Tensor) -> Tensor:
    return torch.matmul(probabilities, bins.unsqueeze(1)).squeeze(-1)


def _einsum(probabilities: Tensor, bins: Tensor) -> Tensor:
    return torch.einsum("nc,c->n", probabilities, bins)


def _dense(probabilities: Tensor, bins: Tensor) -> Tensor:
    return nn.functional.linear(probabilities, bins.unsqueeze(0))


def _scaled_index(probabilities: Tensor, bins: Tensor) -> Tensor:
    index = torch.arange(bins.shape[0], dtype=torch.float32)
    return (probabilities * index).sum(1) * (bins[1] - bins[0]) + bins[0]


def _viewed(probabilities: Tensor, bins: Tensor) -> Tensor:
    return (probabilities * bins).sum(dim=1, keepdim=True).view(-1, 1)


def _flattened(probabilities: Tensor, bins: Tensor) -> Tensor:
    return torch.flatten((probabilities @ bins.view(-1, 1)), 0)


SPELLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "column": _product_with_a_column,
    "dense": _dense,
    "einsum": _einsum,
    "flatten": _flattened,
    "keepdim": _sum_of_products_keeping_the_axis,
    "matmul": _product_with_a_vector,
    "scaled": _scaled_index,
    "sum": _sum_of_products,
    "view": _viewed,
}


class ExpectationStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 1, 200) float32 to heart rate (N,) or (N, 1) float32, 180 bins of 1 BPM from 30 BPM.

    Args:
        spelling: key of `SPELLINGS`.
    """

    bins: Tensor

    def __init__(self, spelling: str) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(INPUT_SHAPE[0], _CHANNELS, 5, 2, padding=2),
            nn.ReLU(),
            nn.Conv1d(_CHANNELS, _CHANNELS, 5, 2, padding=2),
            nn.ReLU(),
        )
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.logits = nn.Linear(_CHANNELS, BINS)
        self.register_buffer("bins", FIRST_BIN_BPM + torch.arange(BINS, dtype=torch.float32))
        self.spelling = spelling

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, 200) to (N,) or (N, 1)."""
        logits = self.logits(torch.flatten(self.pool(self.features(x)), 1))
        return SPELLINGS[self.spelling](torch.softmax(logits, dim=-1), self.bins)
