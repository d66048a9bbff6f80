"""What the choice of kernels, and the code around them, optimises for."""

import math
from enum import StrEnum


class Optimize(StrEnum):
    """`--optimize`: every choice gives the same output bytes."""

    SPEED = "speed"
    BALANCED = "balanced"
    SIZE = "size"

    @property
    def cycles_per_byte(self) -> float:
        """Cycles of one inference that a byte of flash must save to be spent."""
        return _CYCLES_PER_BYTE[self]

    @property
    def macs_per_kept_byte(self) -> float:
        """Multiply-accumulates per answer that a byte of RAM must save to be kept between sliding windows."""
        return _MACS_PER_KEPT_BYTE[self]


_MACS_PER_KEPT_BYTE = {Optimize.SPEED: 8.0, Optimize.BALANCED: 64.0, Optimize.SIZE: math.inf}
# balanced: a layer's faster constants are taken when 1 kB of flash saves at least 16,000 cycles of an inference.
# size: 1 kB of flash is spent only where it saves a million cycles, which a few bytes of a parameter never do.
_CYCLES_PER_BYTE = {Optimize.SPEED: 0.0, Optimize.BALANCED: 16.0, Optimize.SIZE: 1000.0}
