"""Soft distillation: the student imitates the teacher's distribution at a raised temperature.

Source: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2.
"""

import torch
from torch import Tensor


def soft_distillation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """temperature^2 * KL(teacher || student), both softened, in nats.

    Args:
        student: logits (N, C).
        teacher: logits (N, C).
        temperature: divides both; its square keeps the gradients as large as those of the labels.
    """
    log_student = torch.log_softmax(student / temperature, dim=1)
    log_teacher = torch.log_softmax(teacher / temperature, dim=1)
    divergence = (log_teacher.exp() * (log_teacher - log_student)).sum(dim=1)
    return temperature**2 * divergence.mean()
