"""Relational distillation: the distances and angles between windows of a batch are taught, not the answers.

Source: Park, Kim, Lu, Cho, "Relational Knowledge Distillation", CVPR 2019, section 3.2: distances are divided by their
mean over the batch, and Huber losses compare distances of pairs and cosines of triplets.
"""

import torch
from torch import Tensor
from torch.nn import functional

_SMALL = 1e-12


def relational_distillation(
    student: Tensor, teacher: Tensor, *, distance_weight: float, angle_weight: float
) -> Tensor:
    """distance_weight * mean Huber over pairs + angle_weight * mean Huber over triplets.

    Args:
        student: embeddings (N, D_s).
        teacher: embeddings (N, D_t); D_t and D_s may differ.
        distance_weight: of the distances; 0 leaves them out.
        angle_weight: of the angles; 0 leaves them out. They cost N^3 numbers.

    Means run over all N^2 pairs and N^3 triplets, those of a window with itself (which are 0) included.
    """
    total = student.new_zeros(())
    if distance_weight > 0.0:
        difference = functional.smooth_l1_loss(scaled_distances(student), scaled_distances(teacher))
        total = total + distance_weight * difference
    if angle_weight > 0.0:
        total = total + angle_weight * functional.smooth_l1_loss(angles(student), angles(teacher))
    return total


def scaled_distances(embeddings: Tensor) -> Tensor:
    """Euclidean distances (N, N) divided by the mean of those between different windows."""
    differences = embeddings[:, None] - embeddings[None, :]
    # The root has no gradient at 0: the diagonal is kept from it.
    squares = (differences**2).sum(dim=2)
    distances = torch.sqrt(squares.clamp(min=_SMALL)) * (squares > _SMALL)
    pairs = max(embeddings.shape[0] * (embeddings.shape[0] - 1), 1)
    return distances / (distances.sum() / pairs).clamp(min=_SMALL)


def angles(embeddings: Tensor) -> Tensor:
    """Cosines (N, N, N): entry [j, i, k] is that of the angle at window j between windows i and k."""
    differences = embeddings[None, :] - embeddings[:, None]
    apart = (differences**2).sum(dim=2, keepdim=True) > _SMALL
    directions = functional.normalize(differences, dim=2) * apart
    return directions @ directions.transpose(1, 2)
