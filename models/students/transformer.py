"""A small student with self attention and layer norms: 16 tokens of 32 features, 4 heads.

Own network (encoder layer of Vaswani et al. 2017 with the norm in front): the smallest student in which attention,
layer norm and GELU appear together.
"""

import torch
from torch import Tensor, nn

INPUT_SHAPE = (4, 256)
PARAMETERS = 11_505
_FEATURES = 32
_HEADS = 4


class AttentionStudent(nn.Module):  # type: ignore[misc, unused-ignore]
    """Windows (N, 4, 256) float32 to heart rate (N, 1) float32."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(
            nn.Conv1d(INPUT_SHAPE[0], 16, 5, 4, padding=2),
            nn.ReLU(),
            nn.Conv1d(16, _FEATURES, 5, 4, padding=2),
            nn.ReLU(),
        )
        self.norm1 = nn.LayerNorm(_FEATURES)
        self.attention = nn.MultiheadAttention(_FEATURES, _HEADS, batch_first=True)
        self.norm2 = nn.LayerNorm(_FEATURES)
        self.dense = nn.Sequential(
            nn.Linear(_FEATURES, 2 * _FEATURES), nn.GELU(), nn.Linear(2 * _FEATURES, _FEATURES)
        )
        self.out = nn.Linear(_FEATURES, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4, 256) to (N, 1)."""
        tokens = torch.transpose(self.front(x), 1, 2)
        normed = self.norm1(tokens)
        attended, _ = self.attention(normed, normed, normed, need_weights=False)
        tokens = tokens + attended
        tokens = tokens + self.dense(self.norm2(tokens))
        rate: Tensor = self.out(tokens.mean(dim=1))
        return rate
