"""Learning rates over a training."""

import math

from models.training.settings import FitSettings

_WARM_UP = 0.3
_FIRST_RATE = 1.0 / 25.0


def learning_rate(settings: FitSettings, done: float) -> float:
    """The learning rate when a share `done` of all epochs is over.

    Source of one-cycle: Smith, Topin, "Super-Convergence", 2018, with the shares of torch's `OneCycleLR`: from 1/25 of
    the peak up to it over the first 30 %, then down to 0, both as half a cosine.
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "one-cycle" and done < _WARM_UP:
        rise = 0.5 * (1.0 - math.cos(math.pi * done / _WARM_UP))
        return settings.learning_rate * (_FIRST_RATE + (1.0 - _FIRST_RATE) * rise)
    start = _WARM_UP if settings.schedule == "one-cycle" else 0.0
    fall = (done - start) / (1.0 - start)
    return settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * fall))
