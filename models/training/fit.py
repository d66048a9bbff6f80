"""Fitting the student's weights, repeatable to the bit on one kind of CPU."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from models.students.pulse import PulseStudent
from models.synth import WindowSet
from models.training.config import FitTable
from models.training.data import Normalisation, TrainingRecordings
from models.training.tapped import scale_output


def predict(student: PulseStudent, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heart rates (N,) for normalised windows (N, 1, 4, 256)."""
    student.eval()
    with torch.no_grad():
        parts = [student(torch.from_numpy(x[start : start + 256])) for start in range(0, len(x), 256)]
    answers: NDArray[np.float32] = torch.cat(parts)[:, 0].numpy()
    return answers


def fit(
    recordings: TrainingRecordings,
    normalisation: Normalisation,
    validation: WindowSet,
    settings: FitTable,
    progress: Callable[[str], None],
) -> PulseStudent:
    """Train with an L1 loss, Adam and one cycle of the learning rate; the last epoch's weights are kept.

    Inside, heart rates are standardised, which conditions the fit; the scale is folded into the last layer
    at the end. Every epoch draws new window positions.

    Returns:
        The student in evaluation mode, answering in BPM.
    """
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    torch.use_deterministic_algorithms(True)
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    student = PulseStudent(settings.dropout)
    optimiser = torch.optim.Adam(
        student.parameters(), lr=settings.peak_learning_rate, weight_decay=settings.weight_decay
    )
    windows = settings.windows_per_subject * len(recordings.signals)
    steps_per_epoch = -(-windows // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.peak_learning_rate, total_steps=steps_per_epoch * settings.epochs
    )
    _, hr = recordings.draw(rng, settings.windows_per_subject)
    mean_bpm, std_bpm = float(hr.mean()), float(hr.std())
    validation_x = normalisation.apply(validation.x)

    for epoch in range(1, settings.epochs + 1):
        x, hr = recordings.draw(rng, settings.windows_per_subject)
        inputs = torch.from_numpy(normalisation.apply(x))
        targets = torch.from_numpy((hr - mean_bpm) / std_bpm)
        student.train()
        total = 0.0
        for start in range(0, windows, settings.batch):
            answers = student(inputs[start : start + settings.batch])[:, 0]
            loss = torch.nn.functional.l1_loss(answers, targets[start : start + settings.batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
            optimiser.step()
            schedule.step()
            total += loss.item() * answers.numel()
        validation_bpm = predict(student, validation_x) * std_bpm + mean_bpm
        validation_mae = float(np.abs(validation_bpm - validation.hr).mean())
        progress(
            f"epoch {epoch:3d}/{settings.epochs}  train {total / windows * std_bpm:6.2f} BPM  "
            f"validation {validation_mae:6.2f} BPM"
        )
    scale_output(student, mean_bpm, std_bpm)
    student.eval()
    return student
