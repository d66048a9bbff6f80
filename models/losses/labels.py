"""Heart rates as 180 bins of 1 BPM from 30 BPM, and the cross entropy against labels.

Bin i is centred on 30 + i BPM, as in `models/students/residual.py` and the cards of its students.
"""

import torch
from torch import Tensor
from torch.nn import functional

from models.losses.bins import BINS, FIRST_BIN_BPM


def bin_centres(like: Tensor) -> Tensor:
    """(180,) heart rates in BPM, with the type and device of `like`."""
    return FIRST_BIN_BPM + torch.arange(BINS, dtype=like.dtype, device=like.device)


def nearest_bin(hr: Tensor) -> Tensor:
    """Index (N,) of the bin nearest to each heart rate (N,); beyond the bins: the outermost one."""
    return torch.clamp(torch.round(hr - FIRST_BIN_BPM), 0, BINS - 1).to(torch.int64)


def label_distribution(hr: Tensor, *, sigma_bpm: float = 0.0, smoothing: float = 0.0) -> Tensor:
    """Target probabilities (N, 180) for heart rates (N,).

    Args:
        hr: heart rates in BPM.
        sigma_bpm: standard deviation of a Gaussian around the label; 0 puts everything on the nearest bin.
        smoothing: share of the probability that is spread evenly over all bins.
    """
    if sigma_bpm > 0.0:
        distance = (bin_centres(hr)[None, :] - hr[:, None]) / sigma_bpm
        target = torch.softmax(-0.5 * distance**2, dim=1)
    else:
        target = functional.one_hot(nearest_bin(hr), BINS).to(hr.dtype)
    return (1.0 - smoothing) * target + smoothing / BINS


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean of -sum(target * log softmax(logits)) in nats, for (N, 180) each."""
    return -(target * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()


def expected_bpm(logits: Tensor) -> Tensor:
    """Softmax-weighted mean of the bins, (N, 1) in BPM."""
    return (torch.softmax(logits, dim=1) @ bin_centres(logits))[:, None]


def most_likely_bpm(logits: Tensor) -> Tensor:
    """Centre (N,) in BPM of the bin with the highest of the logits (N, 180); the lowest bin of equal ones."""
    return FIRST_BIN_BPM + logits.argmax(dim=1).to(logits.dtype)


def as_bpm(output: Tensor) -> Tensor:
    """Heart rates (N, 1): the output itself, or the expectation of logits."""
    return expected_bpm(output) if output.shape[1] > 1 else output
