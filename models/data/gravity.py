"""The unit of an accelerometer, checked with the one acceleration that every recording contains."""

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError

STANDARD_GRAVITY_M_S2 = 9.80665
_LOWEST_G = 0.65
_HIGHEST_G = 1.7


def median_length(acceleration: NDArray[np.float64]) -> float:
    """Median length of the vectors of (3, T): 1 g of a wrist that rests for half of the time, in any pose."""
    return float(np.median(np.linalg.norm(acceleration, axis=0)))


def to_g(acceleration: NDArray[np.float64], units_per_g: float, name: str) -> NDArray[np.float64]:
    """Divide (3, T) by `units_per_g` and check that the median vector is gravity's.

    Raises:
        InputError: the median length is outside 0.65 to 1.7 g (arm exercises reach 1.5): another unit.
    """
    length = median_length(acceleration) / units_per_g
    if not _LOWEST_G <= length <= _HIGHEST_G:
        raise InputError(
            f"{name}: the median acceleration is {length:.3g} g if 1 g is {units_per_g:g} units",
            hint="it should be near 1 g: the file holds another unit or another signal than the published one",
        )
    return acceleration / units_per_g


def to_g_by_gravity(
    acceleration: NDArray[np.float64], candidates: dict[str, float], name: str
) -> tuple[NDArray[np.float64], str]:
    """Take the unit among `candidates` (name to units per g) that makes the median vector gravity's.

    For data sets whose documentation could not be read; what was found is part of the unit's name.

    Raises:
        InputError: none of the candidates fits.
    """
    length = median_length(acceleration)
    for unit, units_per_g in candidates.items():
        if _LOWEST_G <= length / units_per_g <= _HIGHEST_G:
            return acceleration / units_per_g, f"g (from {unit}, recognised by gravity)"
    raise InputError(
        f"{name}: the median acceleration is {length:.3g}, which is 1 g in none of {', '.join(candidates)}",
        hint="the file holds another unit or another signal than the published one",
    )
