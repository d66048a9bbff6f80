"""Normalisation of windows, fitted on the training windows only; one rule a channel, as the student card has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError

EPSILON = 1e-6
_DIGITS = 6


class Rule(Enum):
    """What is done to one channel; the names are those of docs/student-card.md, where SCALE is `fixed` with mean 0."""

    NONE = "none"
    WINDOW = "window"
    FIXED = "fixed"
    SCALE = "scale"


@dataclass(frozen=True)
class Normalisation:
    """One rule and its constants a channel.

    Attributes:
        rules: what is done.
        mean: (C,) float64; 0 where the rule needs none.
        std: (C,) float64; 1 where the rule needs none.
    """

    rules: tuple[Rule, ...]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def apply(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Windows (N, ..., C, T) in sensor units to the same shape without units.

        Raises:
            InputError: another number of channels.
        """
        if x.ndim < 3 or x.shape[-2] != len(self.rules):
            raise InputError(
                f"windows of shape {x.shape[1:]} for {len(self.rules)} channels", hint="give (..., C, T)"
            )
        values = x.astype(np.float64)
        scaled = (values - self.mean[:, None]) / self.std[:, None]
        own = (values - values.mean(axis=-1, keepdims=True)) / (values.std(axis=-1, keepdims=True) + EPSILON)
        by_window = np.array([rule is Rule.WINDOW for rule in self.rules])
        return np.where(by_window[:, None], own, scaled).astype(np.float32)


def fit_normalisation(training: NDArray[np.float32], rules: Sequence[Rule]) -> Normalisation:
    """Constants of the training windows (N, ..., C, T), rounded to the six digits that a card shows.

    Raises:
        InputError: another number of channels than rules, no windows, or a constant channel with a fixed rule.
    """
    if training.ndim < 3 or training.shape[-2] != len(rules) or len(training) == 0:
        raise InputError(
            f"training windows of shape {training.shape} for {len(rules)} rules", hint="give (N, ..., C, T)"
        )
    mean, std = np.zeros(len(rules)), np.ones(len(rules))
    for channel, rule in enumerate(rules):
        if rule in (Rule.FIXED, Rule.SCALE):
            values = training[..., channel, :]
            std[channel] = np.round(values.std(dtype=np.float64), _DIGITS)
            if rule is Rule.FIXED:
                mean[channel] = np.round(values.mean(dtype=np.float64), _DIGITS)
            if std[channel] <= 0.0:
                raise InputError(
                    f"channel {channel} of the training windows is constant", hint="leave it out"
                )
    return Normalisation(tuple(rules), mean, std)
