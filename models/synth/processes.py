"""Random processes that the other parts of the generator are made of."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def random_streams(seed: int, count: int) -> list[np.random.Generator]:
    """`count` independent PCG64 generators made from one seed.

    Every ingredient of a recording has a stream of its own: switching one off leaves the others alone.
    """
    children = np.random.SeedSequence(seed).spawn(count)
    return [np.random.Generator(np.random.PCG64(child)) for child in children]


def drift(
    rng: np.random.Generator, time_s: FloatArray, standard_deviation: float, time_constant_s: float
) -> FloatArray:
    """Stationary Ornstein-Uhlenbeck process with mean 0, drawn once a second and joined by straight lines.

    Args:
        rng: source of the draws.
        time_s: (T,) increasing sample times in seconds.
        standard_deviation: of the stationary process.
        time_constant_s: after which the correlation has fallen to 1/e.

    Returns:
        (T,) values at `time_s`.
    """
    knots_s = np.arange(np.floor(time_s[0]), np.ceil(time_s[-1]) + 1.0)
    keep = np.exp(-1.0 / time_constant_s)
    innovations = rng.standard_normal(knots_s.size) * standard_deviation
    values = np.empty(knots_s.size)
    values[0] = innovations[0]
    for index in range(1, knots_s.size):
        values[index] = keep * values[index - 1] + np.sqrt(1.0 - keep**2) * innovations[index]
    return np.interp(time_s, knots_s, values)


def event_times(rng: np.random.Generator, duration_s: float, per_minute: float) -> FloatArray:
    """(M,) sorted times in [0, duration_s) of a Poisson process with `per_minute` events a minute."""
    count = int(rng.poisson(per_minute * duration_s / 60.0))
    return np.sort(rng.uniform(0.0, duration_s, count))


def smooth_step(time_s: FloatArray, at_s: float, width_s: float) -> FloatArray:
    """(T,) logistic rise from 0 to 1 around `at_s`; it takes about four `width_s`."""
    return 0.5 * (1.0 + np.tanh((time_s - at_s) / (2.0 * width_s)))


def integrate(rate_hz: FloatArray, sample_rate_hz: float) -> FloatArray:
    """(T,) running integral of a (T,) rate in cycles, starting at 0."""
    return np.concatenate(([0.0], np.cumsum(rate_hz[:-1]) / sample_rate_hz))
