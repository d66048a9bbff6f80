"""Decoupled knowledge distillation: the divergence of soft distillation in two terms with weights of their own.

Source: Zhao, Cui, Song, Qiu, Liang, "Decoupled Knowledge Distillation", CVPR 2022, section 3:
KL(teacher || student) = TCKD + (1 - p_t) * NCKD with p_t the teacher's probability of the target.
"""

import torch
from torch import Tensor


def decoupled_terms(
    student: Tensor, teacher: Tensor, target: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """TCKD and NCKD of every window, (N,) each, in nats and without the factor temperature^2.

    Args:
        student: logits (N, C).
        teacher: logits (N, C).
        target: index of the labelled class, int64 (N,).
        temperature: divides both logits.

    TCKD is the divergence of the two-way distributions (target, everything else), NCKD that of the distributions among
    everything else.
    """
    two_way_student, others_student = _parted(student / temperature, target)
    two_way_teacher, others_teacher = _parted(teacher / temperature, target)
    return _divergence(two_way_teacher, two_way_student), _divergence(others_teacher, others_student)


def decoupled_distillation(
    student: Tensor, teacher: Tensor, target: Tensor, *, alpha: float, beta: float, temperature: float
) -> Tensor:
    """temperature^2 * (alpha * TCKD + beta * NCKD), mean over the batch."""
    tckd, nckd = decoupled_terms(student, teacher, target, temperature)
    return temperature**2 * (alpha * tckd + beta * nckd).mean()


def _parted(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Log probabilities (N, 2) of target and rest, and (N, C - 1) of the classes within the rest."""
    rows, classes = logits.shape
    is_target = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, target[:, None], True)
    others = logits[~is_target].view(rows, classes - 1)
    both = torch.stack([logits[is_target], torch.logsumexp(others, dim=1)], dim=1)
    return torch.log_softmax(both, dim=1), torch.log_softmax(others, dim=1)


def _divergence(log_teacher: Tensor, log_student: Tensor) -> Tensor:
    return (log_teacher.exp() * (log_teacher - log_student)).sum(dim=1)
