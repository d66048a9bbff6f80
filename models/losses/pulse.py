"""The loss that the PULSE student was published with.

Source: Kasnesis et al., "Replacing Attention with Modality-wise Convolution for Energy-Efficient PPG-based Heart Rate
Estimation using Knowledge Distillation", as read from the authors' repository KD_PULSE: b = 0.5, g = 0.6667.
"""

import torch
from torch import Tensor
from torch.nn import functional


def pulse_answers_term(student_bpm: Tensor, teacher_bpm: Tensor, label_bpm: Tensor, b: float) -> Tensor:
    """b * L1(label, student) + (1 - b) * L1(student, teacher) in BPM, for (N, 1) each."""
    to_label = functional.l1_loss(student_bpm, label_bpm)
    return b * to_label + (1.0 - b) * functional.l1_loss(student_bpm, teacher_bpm)


def pulse_hidden_term(student_hidden: Tensor, teacher_hidden: Tensor) -> Tensor:
    """Mean square difference of the softmaxes of both dense layers' outputs, (N, H) each."""
    student, teacher = torch.softmax(student_hidden, dim=1), torch.softmax(teacher_hidden, dim=1)
    return functional.mse_loss(student, teacher)


def pulse_distillation(
    student_bpm: Tensor,
    teacher_bpm: Tensor,
    label_bpm: Tensor,
    student_hidden: Tensor,
    teacher_hidden: Tensor,
    *,
    b: float,
    g: float,
) -> Tensor:
    """g * answers + (1 - g) * hidden.

    Args:
        student_bpm: (N, 1) heart rates.
        teacher_bpm: (N, 1) heart rates.
        label_bpm: (N, 1) heart rates.
        student_hidden: (N, H) output of the dense layer in front of the last.
        teacher_hidden: (N, H) likewise.
        b: weight of the labels against the teacher's answers.
        g: weight of the answers against the hidden layer.
    """
    answers = pulse_answers_term(student_bpm, teacher_bpm, label_bpm, b)
    return g * answers + (1.0 - g) * pulse_hidden_term(student_hidden, teacher_hidden)
