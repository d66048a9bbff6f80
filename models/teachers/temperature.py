"""How sure a teacher is, and a temperature that makes it as sure as it is right.

Source of the calibration: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
section 4.2: logits are divided by the temperature with the lowest negative log likelihood on validation data.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.losses.bins import BINS
from models.losses.labels import cross_entropy, label_distribution, nearest_bin
from ppg_deploy.errors import InputError

LOWEST, HIGHEST = 0.05, 20.0
_STEPS = 60
# Where a teacher stops to be of use; shares of the entropy of the labels.
_TOO_FLAT = 0.9
_TOO_SHARP = 0.05
# Overconfidence before the calibration, as the ratio of entropy to negative log likelihood.
_OVERCONFIDENT = 0.8


@dataclass(frozen=True)
class TeacherEntropy:
    """A teacher's certainty on the validation windows; entropies and likelihoods in nats a window.

    Attributes:
        temperature: what its logits are divided by.
        label_entropy: entropy of the labels' own distribution over the bins: a teacher this unsure knows nothing.
        entropy_before: mean entropy of its answers as trained.
        entropy_after: the same at `temperature`.
        nll_before: mean negative log likelihood of the labels as trained. A teacher is overconfident when its entropy
            is below it; at the best temperature both are equal.
        nll_after: the same at `temperature`.
        warnings: what is wrong with this teacher for distillation.
    """

    temperature: float
    label_entropy: float
    entropy_before: float
    entropy_after: float
    nll_before: float
    nll_after: float
    warnings: tuple[str, ...]


def calibrate_temperature(logits: Tensor, hr: Tensor) -> float:
    """The temperature between 0.05 and 20 with the lowest negative log likelihood.

    Args:
        logits: (N, 180) answers on validation windows.
        hr: labels (N,) in BPM.

    The likelihood has one minimum over the logarithm of the temperature: golden section, 60 steps.
    """
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    low, high = float(np.log(LOWEST)), float(np.log(HIGHEST))
    wide = logits.to(torch.float64)
    target = label_distribution(hr.to(torch.float64))

    def likelihood(logarithm: float) -> float:
        return float(cross_entropy(wide / float(np.exp(logarithm)), target))

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = likelihood(left), likelihood(right)
    for _ in range(_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = likelihood(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = likelihood(right)
    return float(np.exp((low + high) / 2.0))


def mean_entropy(logits: Tensor) -> float:
    """Mean entropy of softmax(logits) in nats."""
    log_probabilities = torch.log_softmax(logits.to(torch.float64), dim=1)
    return float(-(log_probabilities.exp() * log_probabilities).sum(dim=1).mean())


def label_entropy(hr: Tensor) -> float:
    """Entropy of the labels' distribution over the bins in nats."""
    shares = torch.bincount(nearest_bin(hr), minlength=BINS).to(torch.float64) / len(hr)
    return float(-torch.xlogy(shares, shares).sum())


def check_entropy(logits: Tensor, hr: Tensor, temperature: float) -> TeacherEntropy:
    """Compare a teacher's certainty before and after with what the labels allow.

    Raises:
        InputError: no labels.
    """
    if len(hr) == 0:
        raise InputError("no validation windows for the teacher", hint="hold subjects out for validation")
    target = label_distribution(hr.to(torch.float64))
    wide = logits.to(torch.float64)
    cooled = wide / temperature
    entropy = TeacherEntropy(
        temperature=temperature,
        label_entropy=label_entropy(hr),
        entropy_before=mean_entropy(wide),
        entropy_after=mean_entropy(cooled),
        nll_before=float(cross_entropy(wide, target)),
        nll_after=float(cross_entropy(cooled, target)),
        warnings=(),
    )
    return replace(entropy, warnings=tuple(_warnings(entropy)))


def _warnings(entropy: TeacherEntropy) -> list[str]:
    warnings = []
    if entropy.entropy_before < _OVERCONFIDENT * entropy.nll_before:
        warnings.append(
            f"the teacher is too sharp as trained: mean entropy {entropy.entropy_before:.2f} nats, but its answers "
            f"cost {entropy.nll_before:.2f}; a temperature of {entropy.temperature:.2f} corrects this"
        )
    if entropy.entropy_after > _TOO_FLAT * entropy.label_entropy:
        warnings.append(
            f"the teacher is too flat: mean entropy {entropy.entropy_after:.2f} nats, the labels alone have "
            f"{entropy.label_entropy:.2f}; it knows next to nothing that a student could learn"
        )
    if entropy.entropy_after < _TOO_SHARP * entropy.label_entropy:
        warnings.append(
            f"the teacher is too sharp: mean entropy {entropy.entropy_after:.2f} nats, the labels have "
            f"{entropy.label_entropy:.2f}; soft distillation then teaches little more than the labels"
        )
    if not LOWEST * 1.01 < entropy.temperature < HIGHEST * 0.99:
        warnings.append(
            f"the temperature {entropy.temperature:.2f} is at the end of the searched range: train the teacher longer"
        )
    return warnings
